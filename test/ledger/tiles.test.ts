import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bundleBytes, isBundleOf, recordsIn } from '#ledger/tiles.ts';

const records = fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 6 });

it('knows the bytes of a bundle of records, and no others', () => {
  fc.assert(
    fc.property(records, records, fc.nat(), fc.integer({ min: 1, max: 255 }), (texts, others, at, bits) => {
      const bytes = Buffer.from(bundleBytes(texts));
      expect(recordsIn(bytes)).toEqual(texts);
      expect(isBundleOf(bytes, texts)).toBe(true);
      expect(isBundleOf(bytes, others)).toBe(bytes.equals(bundleBytes(others)));
      expect(isBundleOf(Buffer.concat([bytes, Buffer.of(0)]), texts)).toBe(false);
      if (bytes.length === 0) return;
      expect(isBundleOf(bytes.subarray(0, at % bytes.length), texts)).toBe(false);
      const place = at % bytes.length;
      const changed = Buffer.from(bytes);
      changed.writeUInt8((bytes.readUInt8(place) ^ bits) & 0xff, place);
      expect(isBundleOf(changed, texts)).toBe(false);
    }),
  );
});

it('holds no record that is longer than its length can say', () => {
  const longest = 'x'.repeat(65_535);
  expect(isBundleOf(bundleBytes([longest]), [longest])).toBe(true);
  expect(isBundleOf(bundleBytes([longest]), [`${longest}x`])).toBe(false);
});
