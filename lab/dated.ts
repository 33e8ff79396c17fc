/** The line `Date:` of a message that was just written; the filter counts a date of some days ago as a fault (RFC 5322, section 3.6.1). */
export const dated = (): string => `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`;
