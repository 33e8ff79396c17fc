import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plannedMemoryMb } from './memory.ts';

const MB = 2 ** 20;
/** What Node 24 says where a version 1 memory controller has no limit. */
const NO_LIMIT = 18_446_744_073_709_552_000;

test('machines as they are sold count as what they are sold as', () => {
  // MemTotal is some percent less: the kernel keeps a part for itself.
  const told: readonly (readonly [number, number])[] = [
    [460, 512],
    [957, 1024],
    [1967, 2048],
    [2930, 3072],
    [3911, 4096],
    [7941, 8192],
    [11_960, 12_288],
    [15_990, 16_384],
    [24_105, 24_576],
    [31_990, 32_768],
    [64_290, 65_536],
  ];
  for (const [mb, expected] of told) assert.equal(plannedMemoryMb(mb * MB, NO_LIMIT), expected, `${mb}`);
});

test('eight megabytes more or less change nothing', () => {
  for (const mb of [512, 1024, 4096, 65_536]) for (const off of [-8, 0, 8]) assert.equal(plannedMemoryMb((mb + off) * MB, 0), mb, `${mb} ${off}`);
});

test('the limit of a container counts where it is the smaller one', () => {
  assert.equal(plannedMemoryMb(24_105 * MB, 1024 * MB), 1024);
  assert.equal(plannedMemoryMb(957 * MB, 4096 * MB), 1024);
  assert.equal(plannedMemoryMb(957 * MB, 0), 1024);
  assert.equal(plannedMemoryMb(100 * MB, NO_LIMIT), 256);
});
