/** @file The option that every command shares. */
import type { Option } from './command';

export const setOption: Readonly<Record<'set', Option>> = {
  set: {
    value: 'PATH=VALUE',
    help: 'Give a setting another value from step 0 on; may stand more than once.',
    isRepeatable: true,
  },
};
