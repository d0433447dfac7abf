package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.MemorySegment;

/** Compares weights bit by bit. */
final class SameWeights {
    private SameWeights() {}

    /** Fails unless every matrix is of the same kind, shape and bytes. */
    static void assertSame(ModelWeights written, ModelWeights read, long seed) {
        assertSame(written.embeddings(), read.embeddings(), seed);
        assertSame(written.head(), read.head(), seed);
        assertSame(written.finalNorm(), read.finalNorm(), seed);
        assertThat(read.layers()).hasSameSizeAs(written.layers());
        for (int i = 0; i < read.layers().size(); i++) {
            assertSame(written.layers().get(i), read.layers().get(i), seed);
        }
    }

    static void assertSame(LayerWeights written, LayerWeights read, long seed) {
        assertSame(written.attentionNorm(), read.attentionNorm(), seed);
        assertSame(written.query(), read.query(), seed);
        assertSame(written.key(), read.key(), seed);
        assertSame(written.value(), read.value(), seed);
        assertSame(written.output(), read.output(), seed);
        assertSame(written.expertNorm(), read.expertNorm(), seed);
        assertSame(written.router(), read.router(), seed);
        assertThat(read.experts()).hasSameSizeAs(written.experts());
        for (int i = 0; i < read.experts().size(); i++) {
            assertSame(written.experts().get(i).gate(), read.experts().get(i).gate(), seed);
            assertSame(written.experts().get(i).up(), read.experts().get(i).up(), seed);
            assertSame(written.experts().get(i).down(), read.experts().get(i).down(), seed);
        }
    }

    private static void assertSame(WeightMatrix written, WeightMatrix read, long seed) {
        assertThat(read).as(Seeds.hint(seed)).hasSameClassAs(written);
        assertThat(read.rows()).as(Seeds.hint(seed)).isEqualTo(written.rows());
        assertThat(read.columns()).as(Seeds.hint(seed)).isEqualTo(written.columns());
        switch (written) {
            case DenseMatrix dense -> {
                assertThat(((DenseMatrix) read).type()).isEqualTo(dense.type());
                assertSame(dense.values(), ((DenseMatrix) read).values(), seed);
            }
            case HqqMatrix hqq -> assertSame(hqq, (HqqMatrix) read, seed);
            case NarrowMatrix narrow -> assertSame(narrow, (NarrowMatrix) read, seed);
            case TiledMatrix tiled -> {
                assertThat(((TiledMatrix) read).shape()).as(Seeds.hint(seed)).isEqualTo(tiled.shape());
                assertSame(tiled.tiles(), ((TiledMatrix) read).tiles(), seed);
            }
        }
    }

    private static void assertSame(HqqMatrix written, HqqMatrix read, long seed) {
        assertThat(read.scheme()).as(Seeds.hint(seed)).isEqualTo(written.scheme());
        assertSame(written.codes(), read.codes(), seed);
        assertSame(written.scaleCodes(), read.scaleCodes(), seed);
        assertSame(written.scaleScales(), read.scaleScales(), seed);
        assertSame(written.scaleZeros(), read.scaleZeros(), seed);
        assertSame(written.zeroCodes(), read.zeroCodes(), seed);
        assertThat(read.zeroScale()).isEqualTo(written.zeroScale());
        assertThat(read.zeroZero()).isEqualTo(written.zeroZero());
    }

    private static void assertSame(NarrowMatrix written, NarrowMatrix read, long seed) {
        assertThat(read.scheme()).as(Seeds.hint(seed)).isEqualTo(written.scheme());
        assertSame(written.codes(), read.codes(), seed);
        assertSame(written.metas(), read.metas(), seed);
        assertSame(written.pairs(), read.pairs(), seed);
    }

    private static void assertSame(MemorySegment written, MemorySegment read, long seed) {
        assertThat(read.mismatch(written)).as(Seeds.hint(seed)).isEqualTo(-1);
    }
}
