/** @file Links that the page would never write: the same packing, round any data. */
import { packText } from '@/engine/config/linkText';

/** A link of version 1 whose checksum holds, whatever the data says. */
export const forgedLink = (data: unknown): string => rawLink(JSON.stringify(data));

/** The same round a text that need not be JSON. */
export const rawLink = (json: string): string => `v1.${packText(json)}`;
