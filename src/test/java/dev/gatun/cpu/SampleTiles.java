package dev.gatun.cpu;

import dev.gatun.engine.cpu.TiledShapes;
import dev.gatun.quant.ColumnOrder;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.RandomTiles;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileReader;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A random expert as a block of tiles, and what it is by the definition of its layout.
 *
 * @param memory the block, at the end of a larger piece of memory so that nothing of it can lie behind
 */
record SampleTiles(TiledExpert expert, ExpertBlock block, MemorySegment memory) {
    static SampleTiles any(Arena arena, Random random) {
        TileFormat format = random.nextBoolean() ? TileFormat.Q2 : TileFormat.Q2N;
        return of(arena, random, format, 16 * Cases.between(random, 1, 22), 16 * Cases.between(random, 1, 40));
    }

    /** Narrow tiles in the order of sixteens, of as many slices as a whole expert or some of one may have. */
    static SampleTiles inSixteens(Arena arena, Random random) {
        int sixteens = random.nextInt(3) == 0 ? Cases.between(random, 8, 11) : Cases.between(random, 1, 4);
        return inSixteens(arena, random, 16 * Cases.between(random, 1, 9), sixteens);
    }

    static SampleTiles inSixteens(Arena arena, Random random, int hidden, int sixteens) {
        int intermediate = 256 * sixteens;
        TileShape wide = new TileShape(TileFormat.Q2N, intermediate, hidden, 0);
        TileShape down = new TileShape(TileFormat.Q2N, hidden, intermediate, 0, ColumnOrder.SIXTEENS);
        return of(arena, random, new ExpertBlock(wide, wide, down));
    }

    static SampleTiles of(Arena arena, Random random, TileFormat format, int hidden, int intermediate) {
        TileShape wide = new TileShape(format, intermediate, hidden, pairs(random, format, intermediate, hidden));
        TileShape down =
                new TileShape(format, hidden, intermediate, pairs(random, format, hidden, intermediate)).asDown();
        return of(arena, random, new ExpertBlock(wide, wide, down));
    }

    static SampleTiles of(Arena arena, Random random, ExpertBlock block) {
        MemorySegment memory = arena.allocate(block.downOffset() + block.down().bytes(), TiledExpertShape.ALIGNMENT);
        RandomTiles tiles = new RandomTiles(random.nextLong());
        tiles.fill(block.gate(), memory.asSlice(block.gateOffset(), block.gate().bytes()));
        tiles.fill(block.up(), memory.asSlice(block.upOffset(), block.up().bytes()));
        tiles.fill(block.down(), memory.asSlice(block.downOffset(), block.down().bytes()));
        return new SampleTiles(TiledExpert.of(arena, TiledShapes.of(block), memory), block, memory);
    }

    /** Another expert of the same shape. */
    SampleTiles withOtherTiles(Arena arena, Random random) {
        return of(arena, random, block);
    }

    /** Any divisor of the groups: pairs repeat after a part of a row of groups, after whole rows, or never. */
    private static int pairs(Random random, TileFormat format, int rows, int columns) {
        if (format == TileFormat.Q2N) {
            return 0;
        }
        int groups = rows / 16 * columns;
        return Stream.generate(() -> Cases.between(random, 1, Math.min(groups, 128)))
                .filter(divisor -> groups % divisor == 0)
                .map(divisor -> groups / divisor)
                .findFirst()
                .orElseThrow();
    }

    int hidden() {
        return expert.shape().hidden();
    }

    int slices() {
        return expert.shape().slices();
    }

    /** What slices from to to - 1 add to each token, in float64. */
    double[] expected(double[] x, float[] weights, int from, int to) {
        Function<Long, TileReader> wide = offset ->
                new TileReader(block.gate(), memory.asSlice(offset, block.gate().bytes()));
        List<TileReader> readers = List.of(
                wide.apply(block.gateOffset()),
                wide.apply(block.upOffset()),
                new TileReader(
                        block.down(),
                        memory.asSlice(block.downOffset(), block.down().bytes())));
        double[] gate = multiply(readers.get(0), x);
        double[] up = multiply(readers.get(1), x);
        for (int i = 0; i < gate.length; i++) {
            int slice = i % slices();
            gate[i] = from <= slice && slice < to ? gate[i] / (1 + Math.exp(-gate[i])) * up[i] : 0;
        }
        double[] y = multiply(readers.get(2), gate);
        for (int i = 0; i < y.length; i++) {
            y[i] *= weights[i / hidden()];
        }
        return y;
    }

    private static double[] multiply(TileReader tiles, double[] x) {
        return Reference.multiply(
                tiles.weights(), tiles.shape().rows(), tiles.shape().columns(), x);
    }
}
