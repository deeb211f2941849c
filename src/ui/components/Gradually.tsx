import { Children, type ReactNode, useEffect, useRef, useState } from 'react';

interface Props {
  /** While it is true, only children that the window shows come; false unless said. */
  readonly isPatient?: boolean;
  readonly children: ReactNode;
}

/** Its children one more a frame, so that a large page never keeps the browser for long. */
export function Gradually({ isPatient = false, children }: Props) {
  const parts = Children.toArray(children);
  const [count, setCount] = useState(1);
  const rest = useRef<HTMLElement>(null);
  const isComplete = count >= parts.length;
  useEffect(() => {
    if (isComplete) return;
    let frame = 0;
    const more = () => {
      frame = requestAnimationFrame(() => setCount(count + 1));
    };
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) more();
    });
    if (isPatient && rest.current) observer.observe(rest.current);
    else more();
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [count, isComplete, isPatient]);
  return (
    <>
      {parts.slice(0, count)}
      {!isComplete && <i ref={rest} />}
    </>
  );
}
