package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.List;
import java.util.Optional;

/**
 * The chosen experts of many tokens on tensor cores, tokens grouped by expert on the device: {@code batch_gate_up.cu},
 * {@code batch_q2.cu}.
 */
final class BatchExperts {
    private static final int GATE_ROWS = 128;
    private static final List<BatchVariants.Tile> GATE_TILES = List.of(
            new BatchVariants.Tile(16, GATE_ROWS, 22528),
            new BatchVariants.Tile(32, GATE_ROWS, 28672),
            new BatchVariants.Tile(64, GATE_ROWS, 40960),
            new BatchVariants.Tile(128, GATE_ROWS, 65536));
    private static final int LEVEL_BLOCK = 128;

    // struct GateUpArguments.
    private static final long GATE_BYTES = 88;
    private static final long GATE_BLOCKS = 0;
    private static final long GATE_OFFSETS = 8;
    private static final long GATE_ORDER = 16;
    private static final long GATE_X = 24;
    private static final long GATE_FACTOR = 32;
    private static final long GATE_H = 40;
    private static final long GATE_CELLS = 48;
    private static final long GATE_ERROR = 56;
    private static final long GATE_EXPERTS = 64;
    private static final long GATE_TOP_K = 68;
    private static final long GATE_HIDDEN = 72;
    private static final long GATE_FFN = 76;
    private static final long GATE_PAIRS = 80;

    private final CudaStream stream;
    private final ChoiceGrouping grouping;
    private final RowScaling scaling;
    private final BatchQ2 down;
    private final BatchVariants gateUp;
    private final KernelArguments level;
    private final ExpertBlock block;
    private final int experts;
    private final int topK;
    private final DeviceMemory h;
    private final DeviceMemory cells;
    private final DeviceMemory factors;
    private final DeviceFloats results;
    private final KernelStruct arguments = KernelStruct.allocate(GATE_BYTES);

    /** Takes memory for up to {@code maxTokens} tokens. */
    BatchExperts(
            CudaResources resources, ChoiceGrouping grouping, ExpertBlock block, MixtralConfig config, int maxTokens) {
        KernelLibrary kernels = resources.kernels();
        DeviceArena memory = resources.arena();
        String scheme = block.gate().format() == TileFormat.Q2N ? "q2n" : "q2";
        TileShape gate = block.gate();
        this.stream = resources.stream();
        this.grouping = grouping;
        this.block = block;
        this.experts = config.experts();
        this.topK = config.expertsPerToken();
        this.scaling = new RowScaling(kernels, stream, memory, maxTokens, gate.columns());
        this.gateUp =
                BatchVariants.find(kernels, "batch_gate_up", "gatun_batch_gate_up_" + scheme, GATE_TILES.stream());
        this.level = kernels.find("rows", "gatun_level_rows");
        this.down = new BatchQ2(kernels, stream, scheme);
        int choices = maxTokens * topK;
        this.h = memory.allocate(choices * RowScaling.paddedBytes(gate.rows()));
        this.cells = memory.allocate((long) choices * Math.ceilDiv(gate.rows(), GATE_ROWS));
        this.factors = memory.allocate((long) choices * Float.BYTES);
        this.results = DeviceFloats.allocate(memory, choices, block.down().rows());
        setShape(gate);
    }

    private void setShape(TileShape gate) {
        arguments
                .pointer(GATE_H, h)
                .pointer(GATE_CELLS, cells)
                .integer(GATE_EXPERTS, experts)
                .integer(GATE_TOP_K, topK)
                .integer(GATE_HIDDEN, gate.columns())
                .integer(GATE_FFN, gate.rows())
                .integer(GATE_PAIRS, gate.pairs());
    }

    /**
     * hidden += the weighted sum of the chosen experts.
     *
     * @param table a pointer to each expert's block, null where it is not resident
     */
    void run(DeviceMemory table, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        GroupedChoices choices = grouping.group(routing, error);
        ScaledRows x = scaling.scale(routing.normed(), Optional.empty(), 0);
        int count = routing.tokens() * topK;
        gateUp(table, choices, x, count, error);
        levelRows(choices, count);
        DeviceFloats y = results.rows(0, count);
        ScaledRows gated = new ScaledRows(h, factors, count, block.gate().rows());
        down.multiplyExperts(table, block.downOffset(), block.down(), experts, choices, gated, y, error);
        grouping.combine(choices, routing, y, hidden);
    }

    private void gateUp(DeviceMemory table, GroupedChoices choices, ScaledRows x, int count, DeviceMemory error) {
        arguments
                .pointer(GATE_BLOCKS, table)
                .pointer(GATE_OFFSETS, choices.offsets())
                .pointer(GATE_ORDER, choices.order())
                .pointer(GATE_X, x.values())
                .pointer(GATE_FACTOR, x.factors())
                .pointer(GATE_ERROR, error);
        BatchVariants.Variant variant = gateUp.of(Math.ceilDiv(count, experts));
        KernelArguments kernel = variant.kernel().set(0, arguments.bytes());
        long blocks = (long) variant.rowBlocks(block.gate().rows()) * variant.expertTiles(count, experts);
        kernel.kernel().launch(variant.shape(blocks), kernel, stream);
    }

    private void levelRows(GroupedChoices choices, int count) {
        level.set(0, h)
                .set(1, cells)
                .set(2, choices.offsets())
                .set(3, experts)
                .set(4, block.gate().rows())
                .set(5, factors);
        level.kernel().launch(LaunchShape.of(count, LEVEL_BLOCK), level, stream);
    }
}
