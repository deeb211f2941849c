/** @file The address bar: the text after the `#` is the experiment. */

export interface Address {
  /** The text after the `#`, without it; empty when there is none. */
  read(): string;
  /** The same page of the history gets another text. */
  replace(text: string): void;
  /** A new page of the history, so that Back leads to the one before. */
  push(text: string): void;
  /** The whole address, to be copied. */
  readonly href: string;
  /** Calls `listener` when the visitor went back or forward, or typed another text. */
  onChange(listener: () => void): void;
}

export const browserAddress: Address = {
  read: () => window.location.hash.slice(1),
  replace: (text) => window.history.replaceState(null, '', `#${text}`),
  push: (text) => window.history.pushState(null, '', `#${text}`),
  get href() {
    return window.location.href;
  },
  // popstate also fires for a typed hash, before hashchange; one listener is enough.
  onChange: (listener) => window.addEventListener('popstate', listener),
};
