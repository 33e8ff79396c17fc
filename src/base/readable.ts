/**
 * Domain names for a person: A-labels, as which they are stored, become U-labels (RFC 5890). Trusts sentences of ours; leaves alone what is
 * no domain name in them: local parts, paths, URLs, and what stands in double quotes, which is what somebody typed.
 */
import { domainToUnicode } from 'node:url';

const NAME = /(?<![\w.+-])(?:[a-z0-9-]+\.)*xn--[a-z0-9-]+(?:\.[a-z0-9-]+)*(?![\w+=-])@?/gi;

/** What is no valid A-label stays as it is. */
const named = (name: string): string => (name.endsWith('@') ? name : domainToUnicode(name) || name);

/** Any text with domains and addresses in it. */
export const readable = (text: string): string => text.replace(/\S+/g, (word) => (/["/]/.test(word) ? word : word.replace(NAME, named)));
