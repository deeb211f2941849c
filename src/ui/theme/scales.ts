/**
 * @file Colours for numbers. Viridis and cividis from ten anchors each, joined in sRGB: nowhere more
 * than a few steps of 255 from the full tables, which saves two dependencies for two small lists.
 *
 * Viridis: S. van der Walt and N. Smith, 2015 (CC0). Cividis: J. Nuñez et al., PLOS ONE 13(7), 2018.
 */

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

const viridisAnchors = [
  0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b,
  0xfde725,
];
const cividisAnchors = [
  0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173, 0x8a8678, 0xa59c74, 0xc3b369, 0xe1cc55,
  0xfee838,
];

const channels = (hex: number): Rgb => [hex >> 16, (hex >> 8) & 0xff, hex & 0xff];

function along(anchors: readonly number[], position: number): Rgb {
  const at = Math.min(1, Math.max(0, position)) * (anchors.length - 1);
  const left = Math.min(Math.floor(at), anchors.length - 2);
  const a = channels(anchors[left]!);
  const b = channels(anchors[left + 1]!);
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * (at - left));
  return [mix(0), mix(1), mix(2)];
}

/** Lowest and highest multiple of the fair share that the load scale tells apart. */
export const LOAD_SPAN = 4;

/** Tokens as a multiple of the fair share: log2 from 1/4 to 4, the fair share in the middle. */
export const loadColor = (share: number): Rgb =>
  along(viridisAnchors, (Math.log2(share) / Math.log2(LOAD_SPAN) + 1) / 2);

/** Ends of cividis that are used: its brightest tenth would outshine the page. */
const PROBABILITY_LOW = 0.04;
const PROBABILITY_HIGH = 0.9;

/** A probability or an accuracy, 0 to 1. */
export const probabilityColor = (probability: number): Rgb =>
  along(
    cividisAnchors,
    PROBABILITY_LOW + (PROBABILITY_HIGH - PROBABILITY_LOW) * Math.min(1, Math.max(0, probability)),
  );

/** Powers of ten at the ends of the attention scale. */
export const ATTENTION_LOW = -3.3;
export const ATTENTION_HIGH = -0.3;

/** An attention weight on a log10 scale. */
export const attentionColor = (weight: number): Rgb =>
  probabilityColor((Math.log10(weight) - ATTENTION_LOW) / (ATTENTION_HIGH - ATTENTION_LOW));

/** One pixel of an ImageData, as this machine orders its bytes; every WebGPU machine is little-endian. */
export const pixelOf = ([red, green, blue]: Rgb): number =>
  (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;

/** WCAG 2 relative luminance, 0 to 1. */
export function luminance(color: Rgb): number {
  const linear = (channel: number) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2]);
}

/** Where black and white text read equally well. */
const TEXT_TURNS = 0.179;

/** Colour of text on a cell. */
export const inkOn = (cell: Rgb): string => (luminance(cell) > TEXT_TURNS ? '#000000' : '#ffffff');

export const cssColor = ([red, green, blue]: Rgb): string => `rgb(${red} ${green} ${blue})`;
