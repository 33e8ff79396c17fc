import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from './errors.ts';
import { parseDomain } from './brands.ts';

test('names in other scripts are stored as A-labels', () => {
  const right: readonly (readonly [string, string])[] = [
    ['Bücher.example', 'xn--bcher-kva.example'],
    ['bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['straße.de', 'xn--strae-oqa.de'],
    ['пример.com', 'xn--e1afmkfd.com'],
    ['сорос.ru', 'xn--n1aafcd.ru'],
    ['παράδειγμα.gr', 'xn--hxajbheg2az3al.gr'],
    ['例え.jp', 'xn--r8jz45g.jp'],
    ['日本tokyo.jp', 'xn--tokyo-1e1k07e.jp'],
    ['한국.kr', 'xn--3e0b707e.kr'],
    ['EXAMPLE.org', 'example.org'],
    ['ορο.gr', 'xn--0xaaf.gr'],
    ['ήλιος.com', 'xn--jxawfrp.com'],
    ['օօօ.am', 'xn--zbbaa.am'],
    ['հայաստան.com', 'xn--y9aaa1d0ai1cq.com'],
    ['ağrı-złoty-køb.example', 'xn--ar-zoty-kb-8cb37bshyi.example'],
    ['eʋegbe-ɔ.example', 'xn--eegbe--1xc84b.example'],
  ];
  for (const [typed, stored] of right) assert.equal(parseDomain(typed), stored, typed);
});

test('A-labels that stand for nothing are refused, naming the label', () => {
  for (const label of ['xn--zzzzz99', 'xn--a', 'XN--ZZZZZ99'])
    assert.throws(
      () => parseDomain(`mail.${label}.test`),
      (error) => error instanceof HauspostError && error.code === 'input.domain' && error.message.includes(JSON.stringify(label.toLowerCase())),
      label,
    );
  assert.equal(parseDomain('XN--MLLER-KVA.test'), 'xn--mller-kva.test');
});

test('look-alikes are refused, naming what was typed', () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['\uff45xample.org', 'full-width e'],
    ['\uff45xample.bücher.example', 'full-width e beside a name in another script'],
    ['example\u3002org', 'ideographic full stop'],
    ['bücher\u3002org', 'the same after an umlaut'],
    ['\u212aelvin.org', 'Kelvin sign'],
    ['bü\u00adcher.example', 'soft hyphen'],
    ['exam\u200bple.org', 'zero-width space'],
    ['\u0435xample.org', 'Cyrillic e'],
    ['xn--xample-2of.org', 'the same as an A-label'],
    ['\u0430\u0440\u0440\u04cf\u0435.com', 'Cyrillic letters only'],
    ['g\u03bfogle.com', 'Greek omicron'],
    ['\u03b1\u0431\u0432.com', 'Greek and Cyrillic'],
    ['\u03bf\u03c1\u03bf.test', 'Greek letters only'],
    ['\u0585\u0585\u0585.test', 'Armenian letters only'],
    ['\u0261oogle.test', 'phonetic g'],
    ['\u0251pple.com', 'phonetic a'],
    ['goog\u01c0e.test', 'dental click'],
    ['ex\u1d00mple.test', 'small capital a'],
    ['b\u00fccher\u01c3.test', 'retroflex click'],
  ];
  for (const [typed, what] of wrong)
    assert.throws(
      () => parseDomain(typed),
      (error) =>
        error instanceof HauspostError && error.code === 'input.domain' && error.exitCode === 3 && error.message.includes(JSON.stringify(typed)),
      what,
    );
});
