package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.quant.TileShape;
import java.util.List;

/** {@code batch_q2.cu}: one 2-bit matrix of each expert with the rows of its own choices, on tensor cores. */
final class BatchQ2 {
    private static final List<BatchVariants.Tile> TILES = List.of(
            new BatchVariants.Tile(16, 128, 28672),
            new BatchVariants.Tile(32, 128, 40960),
            new BatchVariants.Tile(64, 256, 40960),
            new BatchVariants.Tile(128, 256, 65536));

    // struct BatchArguments.
    private static final long BYTES = 96;
    private static final long BLOCKS = 8;
    private static final long PLACE = 16;
    private static final long OFFSETS = 24;
    private static final long X = 32;
    private static final long FACTOR = 40;
    private static final long Y = 48;
    private static final long ERROR = 56;
    private static final long EXPERTS = 64;
    private static final long TOKENS = 68;
    private static final long ROWS = 72;
    private static final long COLUMNS = 76;
    private static final long PAIRS = 80;
    private static final long SIXTEENS = 88;

    private final CudaStream stream;
    private final BatchVariants variants;
    private final KernelStruct arguments = KernelStruct.allocate(BYTES);

    BatchQ2(KernelLibrary kernels, CudaStream stream, String scheme) {
        this.stream = stream;
        this.variants = BatchVariants.find(kernels, "batch_q2", "gatun_batch_" + scheme, TILES.stream());
    }

    /**
     * Experts that are multiplied together.
     *
     * @param count how many
     * @param usualTokens choices of one of them, for which tiles are made
     */
    record Experts(int count, int usualTokens) {}

    /**
     * y[i] = W[expert of i] &middot; x[i], i a sorted choice.
     *
     * @param place where in an expert's block the matrix begins
     */
    void multiplyExperts(
            DeviceMemory table,
            long place,
            TileShape shape,
            Experts experts,
            GroupedChoices choices,
            ScaledRows x,
            DeviceFloats y,
            DeviceMemory error) {
        arguments
                .clear()
                .pointer(BLOCKS, table)
                .longInteger(PLACE, place)
                .pointer(OFFSETS, choices.offsets())
                .pointer(X, x.values())
                .pointer(FACTOR, x.factors())
                .pointer(Y, y.memory())
                .pointer(ERROR, error)
                .integer(EXPERTS, experts.count())
                .integer(TOKENS, x.rows())
                .integer(ROWS, shape.rows())
                .integer(COLUMNS, shape.columns())
                .integer(PAIRS, shape.pairs())
                .integer(SIXTEENS, shape.isInSixteens() ? 1 : 0);
        BatchVariants.Variant variant = variants.of(experts.usualTokens());
        KernelArguments kernel = variant.kernel().set(0, arguments.bytes());
        long blocks = (long) variant.rowBlocks(shape.rows()) * variant.expertTiles(x.rows(), experts.count());
        kernel.kernel().launch(variant.shape(blocks), kernel, stream);
    }
}
