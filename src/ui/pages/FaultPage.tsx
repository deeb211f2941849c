import { Button } from '@/ui/components/Button';
import { formatBytes, formatFixed } from '@/ui/format/numbers';
import { useLab } from '@/ui/live/hooks';
import type { Fault } from '@/ui/state/run';
import styles from './FaultPage.module.css';

interface Advice {
  readonly title: string;
  readonly why: string;
  readonly next: readonly string[];
}

/** What each kind of fault means and what to do, by the class of its error. */
function adviceOn(fault: Fault): Advice {
  switch (fault.name) {
    case 'NoWebGpuError':
      return {
        title: 'This browser has no WebGPU',
        why: 'The lab trains on the graphics card and cannot do without.',
        next: [
          'Open this address in a current Chrome or Edge. The page must come over https or from localhost: browsers offer WebGPU to no other.',
          'On Linux, start Chrome with --enable-unsafe-webgpu.',
        ],
      };
    case 'NoAdapterError':
      return {
        title: 'WebGPU found no adapter',
        why: 'The browser has WebGPU, but no graphics driver that it would use.',
        next: [
          'Update the driver of your graphics card, then restart the browser.',
          'Look at chrome://gpu: hardware acceleration must be on, and WebGPU must not be blocked.',
          'On Linux, start Chrome with --enable-unsafe-webgpu.',
        ],
      };
    case 'LimitError':
      return {
        title: 'This adapter is too small for the lab',
        why: limitWords(fault),
        next: [
          'If this machine has a second graphics card, make the browser use it.',
          'Update the driver: limits grow with it.',
        ],
      };
    default:
      return {
        title: 'The lab could not be opened',
        why: fault.message,
        next: ['Load the page again.', 'Restart the browser if the message comes back.'],
      };
  }
}

function limitWords({ limit, need, have, message }: Fault): string {
  if (limit === undefined || need === undefined || have === undefined) return message;
  const write = /size|bytes/i.test(limit) ? formatBytes : (n: number) => formatFixed(n, 0);
  return `It gives ${write(have)} of ${limit}; the lab needs ${write(need)}.`;
}

/** Instead of the lab, where there can be none. */
export function FaultPage({ fault }: { fault: Fault }) {
  const { address } = useLab();
  const { title, why, next } = adviceOn(fault);
  return (
    <main className={styles['page']}>
      <p className={styles['brand']}>Trinity Lab</p>
      <h1>{title}</h1>
      <p>{why}</p>
      <ul>
        {next.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <div className={styles['actions']}>
        <Button kind="go" onPress={() => window.location.reload()}>
          Try again
        </Button>
        <Button onPress={() => void navigator.clipboard?.writeText(address.href)}>
          Copy address
        </Button>
      </div>
      <details>
        <summary>What the browser said</summary>
        <code>
          {fault.name}: {fault.message}
        </code>
      </details>
    </main>
  );
}
