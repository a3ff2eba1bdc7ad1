import { utf8 } from '@sevlab/codec/bytes';
import { describe, expect, it } from 'vitest';
import { createSeqFile, seqRead, seqSeek } from './seq-file.ts';

/** A file whose content changes between calls. */
function changing(...contents: string[]): () => Uint8Array {
  return () => utf8(contents.length > 1 ? contents.shift()! : contents[0]!);
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('seq_file', () => {
  it('reads on from what was produced', () => {
    const seq = createSeqFile();
    const show = changing('first', 'OTHER');
    expect([0, 2, 4, 5].map((at) => text(seqRead(seq, at, 2, show)))).toEqual(['fi', 'rs', 't', '']);
  });

  it('produces anew at 0, even after an empty content', () => {
    const seq = createSeqFile();
    const show = changing('', 'filled');
    expect(text(seqRead(seq, 0, 10, show))).toBe('');
    expect(text(seqRead(seq, 0, 10, show))).toBe('filled');
  });

  it('produces anew where reading did not end', () => {
    const seq = createSeqFile();
    const show = changing('first', 'OTHER', 'third');
    seqRead(seq, 0, 2, show);
    expect(text(seqRead(seq, 3, 2, show))).toBe('ER');
    expect(text(seqRead(seq, 0, 9, show))).toBe('third');
  });

  it('produces when it is moved, but not when it is moved to the start or to where it is', () => {
    const seq = createSeqFile();
    let shown = 0;
    const show = (): Uint8Array => {
      shown++;
      return utf8('content');
    };
    seqSeek(seq, 3, show);
    expect(shown).toBe(1);
    seqSeek(seq, 3, show);
    seqSeek(seq, 0, show);
    expect(shown).toBe(1);
    seqSeek(seq, 3, show);
    expect(text(seqRead(seq, 3, 2, show))).toBe('te');
    expect(shown).toBe(2);
  });

  it('ends for ever behind the content, and asks for nothing when nothing is asked', () => {
    const seq = createSeqFile();
    const show = changing('short');
    seqSeek(seq, 100, show);
    expect(seqRead(seq, 100, 5, show).length).toBe(0);
    const untouched = createSeqFile();
    seqRead(untouched, 0, 0, () => {
      throw new Error('produced for no byte');
    });
    expect(untouched).toEqual(createSeqFile());
  });
});
