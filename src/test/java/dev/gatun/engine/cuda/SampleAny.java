package dev.gatun.engine.cuda;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.NarrowScheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A random matrix of any format that kernels/any.cu reads, and what it is. */
final class SampleAny {
    private static final int[] FORMATS = {0, 1, 2, 18, 19, 20, 24};

    final int format;
    final int rows;
    final int columns;
    final KnownMatrix known;
    private final int groupSize;
    private final int pairs;
    private final float zeroScale;
    private final float zeroZero;
    /** Codes or values, scale codes, zero codes, scales of scales, zeros of scales. */
    private final MemorySegment[] parts;

    static int format(Sample sample) {
        return sample.oneOf("format", FORMATS);
    }

    /** Rows that some group divides. */
    static int rows(Sample sample, int format, int most) {
        return format < 16 ? sample.integer("rows", 1, most) : 4 * sample.integer("rows / 4", 1, most / 4);
    }

    SampleAny(Sample sample, int format, int rows, int columns) {
        this.format = format;
        this.rows = rows;
        this.columns = columns;
        if (format < 16) {
            FloatType type = new FloatType[] {FloatType.F32, FloatType.F16, FloatType.BF16}[format];
            DenseMatrix matrix = sample.dense(type, rows, columns);
            known = KnownMatrix.of(matrix);
            groupSize = 0;
            pairs = 0;
            zeroScale = 0;
            zeroZero = 0;
            parts = new MemorySegment[] {matrix.values()};
            return;
        }
        int bits = format - 16;
        if (bits != 3 && sample.flag("narrow")) {
            NarrowMatrix matrix = narrow(sample, bits);
            known = KnownMatrix.of(matrix);
            groupSize = matrix.scheme().groupSize();
            pairs = 0;
            zeroScale = 0;
            zeroZero = 0;
            parts = new MemorySegment[] {matrix.codes(), matrix.metas(), matrix.metas(), matrix.pairs()};
            return;
        }
        // Three bits are made of eight: the scales and zeros are the same, the codes are cut.
        HqqMatrix matrix = hqq(sample, bits == 3 ? 8 : bits);
        groupSize = matrix.scheme().groupSize();
        pairs = (int) (matrix.scaleScales().byteSize() / 2);
        zeroScale = bits == 3 ? 7 / 255f : matrix.zeroScale();
        zeroZero = matrix.zeroZero();
        HqqMatrix wide = withZeroScale(matrix, zeroScale);
        MemorySegment codes = wide.codes();
        if (bits == 3) {
            MemorySegment cut = Arena.ofAuto().allocate(codes.byteSize());
            for (long i = 0; i < codes.byteSize(); i++) {
                cut.set(ValueLayout.JAVA_BYTE, i, (byte) (codes.get(ValueLayout.JAVA_BYTE, i) & 7));
            }
            wide = withCodes(wide, cut);
            codes = words(cut);
        }
        // The library has no format of three bits.
        known = bits == 3 ? KnownMatrix.of(rows, columns, Dequantizer.toDoubles(wide)) : KnownMatrix.of(wide);
        parts = new MemorySegment[] {codes, wide.scaleCodes(), wide.zeroCodes(), wide.scaleScales(), wide.scaleZeros()};
    }

    private HqqMatrix hqq(Sample sample, int bits) {
        HqqScheme any = sample.matrices().scheme(bits, rows, columns);
        return sample.matrices().hqq(any, rows, columns);
    }

    private NarrowMatrix narrow(Sample sample, int bits) {
        int group = sample.matrices().scheme(bits, rows, columns).groupSize();
        return sample.matrices().narrow(new NarrowScheme(bits, group), rows, columns);
    }

    private static HqqMatrix withZeroScale(HqqMatrix m, float zeroScale) {
        return new HqqMatrix(
                m.scheme(),
                m.rows(),
                m.columns(),
                m.codes(),
                m.scaleCodes(),
                m.scaleScales(),
                m.scaleZeros(),
                m.zeroCodes(),
                zeroScale,
                m.zeroZero());
    }

    private static HqqMatrix withCodes(HqqMatrix m, MemorySegment codes) {
        return new HqqMatrix(
                m.scheme(),
                m.rows(),
                m.columns(),
                codes,
                m.scaleCodes(),
                m.scaleScales(),
                m.scaleZeros(),
                m.zeroCodes(),
                m.zeroScale(),
                m.zeroZero());
    }

    /** Ten members of a group in a word, the first in its highest bits; bits of members that there are not are set. */
    private MemorySegment words(MemorySegment codes) {
        int groupRows = rows / groupSize;
        int steps = (groupSize + 9) / 10;
        MemorySegment words = Arena.ofAuto().allocate(4L * steps * groupRows * columns, 4);
        for (int j = 0; j < steps; j++) {
            for (int unit = 0; unit < groupRows * columns; unit++) {
                int word = 0;
                for (int f = 0; f < 10; f++) {
                    int member = j + f * steps;
                    long row = unit / columns + (long) groupRows * member;
                    int code =
                            member < groupSize ? codes.get(ValueLayout.JAVA_BYTE, row * columns + unit % columns) : 7;
                    word |= code << (27 - 3 * f);
                }
                words.setAtIndex(ValueLayout.JAVA_INT, (long) j * groupRows * columns + unit, word);
            }
        }
        return words;
    }

    /** Writes the struct AnyMatrix, with addresses of parts on the device. */
    void describe(KernelFile gpu, MemorySegment struct) {
        Region[] regions = new Region[parts.length];
        for (int i = 0; i < parts.length; i++) {
            regions[i] = gpu.input(parts[i]);
        }
        long[] places = {0, 8, 16, 24, 32};
        for (int i = 0; i < regions.length; i++) {
            regions[i].storeAddress(struct, places[i]);
        }
        describeShape(struct);
    }

    /** Writes the struct AnyMatrix, with offsets of parts in a block; returns where the next part goes. */
    long describe(MemorySegment struct, MemorySegment block, long at) {
        long next = at;
        for (int i = 0; i < parts.length; i++) {
            block.asSlice(next, parts[i].byteSize()).copyFrom(parts[i]);
            struct.set(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i, next);
            next += (parts[i].byteSize() + 15) / 16 * 16;
        }
        describeShape(struct);
        return next;
    }

    long bytes() {
        long bytes = 0;
        for (MemorySegment part : parts) {
            bytes += (part.byteSize() + 15) / 16 * 16;
        }
        return bytes;
    }

    private void describeShape(MemorySegment struct) {
        int[] numbers = {format, rows, columns, groupSize, pairs};
        MemorySegment.copy(numbers, 0, struct, ValueLayout.JAVA_INT_UNALIGNED, 40, numbers.length);
        struct.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 60, zeroScale);
        struct.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 64, zeroZero);
    }
}
