package dev.gatun.cpu;

import dev.gatun.quant.ColumnOrder;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.ExpertCut;
import dev.gatun.quant.PackingCopies;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** An expert on two roads: its leading parts packed, as a smaller expert; the others from the whole block. */
class PackedPartsTest extends OnEveryLevel {
    private double tolerance() {
        return level == CpuLevel.PORTABLE ? Reference.FLOATS : Reference.WORDS;
    }

    /** Periods divide a part's slices, so that the packed matrices have shapes here. */
    private static ExpertBlock block(Random random) {
        boolean narrow = random.nextBoolean();
        TileFormat format = narrow ? TileFormat.Q2N : TileFormat.Q2;
        int slices = narrow ? 16 : 8 * Cases.between(random, 1, 6);
        int intermediate = 16 * slices * Cases.between(random, 2, narrow ? 20 : 6);
        int period = 1 << random.nextInt(3);
        int hidden = 16 * period * Cases.between(random, 1, 4);
        TileShape wide = new TileShape(format, intermediate, hidden, narrow ? 0 : hidden << random.nextInt(4));
        TileShape down = new TileShape(format, hidden, intermediate, narrow ? 0 : intermediate * period);
        return new ExpertBlock(
                wide,
                wide,
                narrow ? new TileShape(format, hidden, intermediate, 0, ColumnOrder.SIXTEENS) : down.asDown());
    }

    private static TiledExpert packed(Arena arena, SampleTiles sample, ExpertCut cut, int count) {
        ExpertBlock block = sample.block();
        MemorySegment memory = arena.allocate(block.bytes(), TiledExpertShape.ALIGNMENT);
        cut.pack(count, new PackingCopies(sample.memory(), memory));
        TiledExpertShape shape = new TiledExpertShape(
                sample.expert().shape().format(),
                sample.hidden(),
                cut.values(count),
                block.gate().pairs(),
                cut.downPairs(count),
                sample.expert().shape().downOrder());
        return TiledExpert.of(arena, shape, memory);
    }

    @Test
    void leadingPartsAreTheLeadingSlicesAndWithTheOthersTheWhole() {
        Cases.random(12, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = SampleTiles.of(arena, random, block(random));
                ExpertCut cut = ExpertCut.of(sample.block());
                int count = Cases.between(random, 1, cut.parts() - 1);
                float[] x = Cases.values(random, sample.hidden());
                float[] weights = {random.nextFloat(-1, 1)};
                FloatMatrix inputs = Guarded.of(arena, 1, sample.hidden(), x);
                MemorySegment weight = arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights);
                Guarded y = Guarded.allocate(arena, 1, sample.hidden());
                y.inner().fill(0);
                int leading = count * cut.slices();
                pool.addExpert(packed(arena, sample, cut, count), inputs, weight, y.inner());
                Reference.assertNear(y.values(), sample.expected(Reference.widen(x), weights, 0, leading), tolerance());
                pool.addExpert(sample.expert(), leading, sample.slices(), inputs, weight, y.inner());
                Reference.assertNear(
                        y.values(), sample.expected(Reference.widen(x), weights, 0, sample.slices()), 2 * tolerance());
            }
        });
    }
}
