import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDig, type Reply } from '#formats';
import type { Asker, Question } from './asking.ts';
import { cutsOf } from './cuts.ts';

/** As dig 9.18 prints it. */
const REPLY = `;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: STATUS, id: 1
;; flags: qr rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1

;; QUESTION SECTION:
;NAME. IN SOA

SECTIONS`;

const answering = (status: string, authority = ''): Asker => {
  const one = ({ name }: Question): Promise<Reply | undefined> =>
    Promise.resolve(parseDig(REPLY.replace('STATUS', status).replace('NAME', name).replace('SECTIONS', authority))[0]);
  return { one, ask: (questions) => Promise.all(questions.map(one)) };
};

test('where every name is denied, the root as well, nobody can be asked, and the search ends', async () => {
  await assert.rejects(cutsOf(answering('NXDOMAIN'), ['mail.example.org']), { code: 'dns.no-resolver' });
  await assert.rejects(cutsOf(answering('NOERROR'), ['mail.example.org', 'example.org']), { code: 'dns.no-resolver' });
});

test('its twin: the start of authority beside a denial says which zone it is', async () => {
  const authority = ';; AUTHORITY SECTION:\nexample.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 3600 600 86400 300\n';
  const cuts = await cutsOf(answering('NXDOMAIN', authority), ['mail.example.org']);
  assert.deepEqual(cuts.get('mail.example.org'), { zone: 'example.org', resolved: true });
});
