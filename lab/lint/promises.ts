/**
 * No promise is dropped: a statement whose value can be awaited is awaited, returned, or discarded in sight with `void`.
 * Asks the compiler for the types, since Biome's own rule does not see those of Node's modules.
 */
import { type Expression, SyntaxKind } from 'typescript/unstable/ast';
import { isBinaryExpression, isCallExpression, isExpressionStatement, isIdentifier, isPropertyAccessExpression } from 'typescript/unstable/ast/is';
import type { Checker, Type } from 'typescript/unstable/sync';
import { nodesOf, problemAt, type Rule } from './source.ts';

/** node:test keeps track of these itself when they stand at the top of a file. */
const TRACKED = new Set(['test', 'describe', 'it', 'suite']);

/** `test(...)`, `test.skip(...)`; not `t.test(...)`, which has to be awaited. */
const isTracked = (expression: Expression): boolean => {
  if (!isCallExpression(expression)) return false;
  const callee = expression.expression;
  const name = isPropertyAccessExpression(callee) ? callee.expression : callee;
  return isIdentifier(name) && TRACKED.has(name.text);
};

/** `p = start()` keeps the promise. */
const keeps = (expression: Expression): boolean => {
  if (!isBinaryExpression(expression)) return false;
  const operator = expression.operatorToken.kind;
  return operator >= SyntaxKind.FirstAssignment && operator <= SyntaxKind.LastAssignment;
};

const canBeAwaited = (checker: Checker, type: Type | undefined): boolean => {
  if (type === undefined) return false;
  const parts = type.isUnionType() ? type.getTypes() : [type];
  return parts.some((part) => checker.getPropertyOfType(part, 'then') !== undefined);
};

export const promises: Rule = (source) => {
  const statements = [...nodesOf(source.tree)].filter(isExpressionStatement).map((statement) => statement.expression);
  const dropped = statements.filter((expression) => !isTracked(expression) && !keeps(expression));
  const types = source.checker.getTypeAtLocation(dropped);
  return dropped.flatMap((expression, index) =>
    canBeAwaited(source.checker, types[index])
      ? [problemAt(source, expression, 'floating-promise', 'the promise is dropped: await it, return it, or discard it with void')]
      : [],
  );
};
