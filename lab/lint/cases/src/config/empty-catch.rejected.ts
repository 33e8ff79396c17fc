export const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // a comment is no answer
  }
  return 1;
};
