/** Pieces that several views have. */

/** Aligned, two blanks between them. */
export const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

export const interruptedText = (generation: number): string =>
  `A change (to generation ${generation}) was interrupted, and the machine is between two configurations: 'hauspost apply' puts it in order.`;
