import { Children, type ReactNode, useEffect, useState } from 'react';

/** Its children one more a frame, so that a large page never keeps the browser for long. */
export function Gradually({ children }: { children: ReactNode }) {
  const parts = Children.toArray(children);
  const [count, setCount] = useState(1);
  const isComplete = count >= parts.length;
  useEffect(() => {
    if (isComplete) return;
    const frame = requestAnimationFrame(() => setCount(count + 1));
    return () => cancelAnimationFrame(frame);
  }, [count, isComplete]);
  return parts.slice(0, count);
}
