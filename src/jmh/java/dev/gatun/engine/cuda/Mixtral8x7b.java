package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.OptionalInt;

/** The sizes of Mixtral 8x7B and of its matrices in tiles. */
final class Mixtral8x7b {
    static final MixtralConfig CONFIG =
            new MixtralConfig(4096, 14336, 32, 32, 8, 128, 8, 2, 32000, 32768, 1e6, 1e-5, OptionalInt.empty(), false);

    private static final int Q2_GROUPS_PER_PAIR = 128;
    private static final int Q4_GROUPS_PER_PAIR = 256;

    private Mixtral8x7b() {}

    static ExpertBlock expert(TileFormat format) {
        TileShape gate = tiles(format, CONFIG.intermediateSize(), CONFIG.hiddenSize(), Q2_GROUPS_PER_PAIR);
        TileShape down = tiles(format, CONFIG.hiddenSize(), CONFIG.intermediateSize(), Q2_GROUPS_PER_PAIR)
                .asDown();
        return new ExpertBlock(gate, gate, down);
    }

    /** A 4-bit matrix of attention. */
    static TileShape projection(int rows) {
        return tiles(TileFormat.Q4, rows, CONFIG.hiddenSize(), Q4_GROUPS_PER_PAIR);
    }

    static int queryWidth() {
        return CONFIG.heads() * CONFIG.headSize();
    }

    static int keyWidth() {
        return CONFIG.kvHeads() * CONFIG.headSize();
    }

    private static TileShape tiles(TileFormat format, int rows, int columns, int groupsPerPair) {
        int pairs = format == TileFormat.Q2N ? 0 : rows / format.groupSize() * columns / groupsPerPair;
        return new TileShape(format, rows, columns, pairs);
    }
}
