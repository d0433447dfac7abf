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
    private static final long GATE_SIXTEENS = 84;

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
            CudaResources resources,
            ChoiceGrouping grouping,
            ExpertBlock block,
            MixtralConfig config,
            CudaWorkspace workspace,
            int maxTokens) {
        KernelLibrary kernels = resources.kernels();
        OverlaidMemory memory = workspace.experts().branch();
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
        this.level = kernels.find("rows", "gatun_level_rows_" + scheme);
        this.down = new BatchQ2(kernels, stream, scheme);
        int choices = maxTokens * topK;
        this.h = memory.allocate(choices * RowScaling.paddedBytes(gate.rows()));
        this.cells = memory.allocate((long) choices * Math.ceilDiv(gate.rows(), GATE_ROWS));
        this.factors = memory.allocate((long) choices * Float.BYTES);
        this.results = workspace.results();
        setShape(gate);
    }

    private void setShape(TileShape gate) {
        arguments
                .pointer(GATE_H, h)
                .pointer(GATE_CELLS, cells)
                .integer(GATE_TOP_K, topK)
                .integer(GATE_HIDDEN, gate.columns())
                .integer(GATE_FFN, gate.rows())
                .integer(GATE_PAIRS, gate.pairs())
                .integer(GATE_SIXTEENS, block.down().isInSixteens() ? 1 : 0);
    }

    /**
     * A chunk's choices in work.
     *
     * @param grouped the choices by expert
     * @param inputs the experts' inputs, by token
     * @param results what experts computed, [choices, hidden], sorted by expert
     * @param error an error word
     */
    record Chunk(
            CudaRouting routing, GroupedChoices grouped, ScaledRows inputs, DeviceFloats results, DeviceMemory error) {
        int choices() {
            return results.rows();
        }
    }

    /**
     * hidden += the weighted sum of the chosen experts.
     *
     * @param table a pointer to each expert's block, null where it is not resident
     */
    void run(DeviceMemory table, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        Chunk chunk = begin(routing, error);
        multiply(chunk, table, 0, experts);
        finish(chunk, hidden);
    }

    /** Groups a chunk's choices. It is valid until the next one begins. */
    Chunk begin(CudaRouting routing, DeviceMemory error) {
        GroupedChoices choices = grouping.group(routing, error);
        ScaledRows inputs = scaling.scale(routing.normed(), Optional.empty(), 0);
        return new Chunk(routing, choices, inputs, results.rows(0, routing.tokens() * topK), error);
    }

    /**
     * Leaves an expert out, which somebody else computes: it adds nothing.
     *
     * @param first where its choices begin when all are sorted by expert
     * @param count how many tokens chose it
     */
    void leaveOut(Chunk chunk, int first, int count) {
        chunk.results().rows(first, count).memory().zero(stream);
    }

    /**
     * Computes some of the experts; what the results of the others are does not change, and neither do those of these,
     * whatever else is computed in the same call.
     *
     * @param table a pointer to each expert's block; of these experts, the chosen ones are resident
     * @param first the first of them
     * @param count how many, by number
     */
    void multiply(Chunk chunk, DeviceMemory table, int first, int count) {
        GroupedChoices some = chunk.grouped().of(first, count);
        DeviceMemory blocks = table.slice((long) first * Long.BYTES, (long) count * Long.BYTES);
        gateUp(chunk, blocks, some, count);
        levelRows(some, chunk.choices(), count);
        ScaledRows gated =
                new ScaledRows(h, factors, chunk.choices(), block.gate().rows());
        down.multiplyExperts(
                blocks,
                block.downOffset(),
                block.down(),
                new BatchQ2.Experts(count, Math.ceilDiv(chunk.choices(), experts)),
                some,
                gated,
                chunk.results(),
                chunk.error());
    }

    /** hidden += the weighted sum of what all chosen experts computed. */
    void finish(Chunk chunk, DeviceFloats hidden) {
        grouping.combine(chunk.grouped(), chunk.routing(), chunk.results(), hidden);
    }

    private void gateUp(Chunk chunk, DeviceMemory blocks, GroupedChoices some, int count) {
        arguments
                .pointer(GATE_BLOCKS, blocks)
                .pointer(GATE_OFFSETS, some.offsets())
                .pointer(GATE_ORDER, some.order())
                .pointer(GATE_X, chunk.inputs().values())
                .pointer(GATE_FACTOR, chunk.inputs().factors())
                .pointer(GATE_ERROR, chunk.error())
                .integer(GATE_EXPERTS, count);
        // Tiles go by all experts, so that a result does not depend on which are computed together.
        BatchVariants.Variant variant = gateUp.of(Math.ceilDiv(chunk.choices(), experts));
        KernelArguments kernel = variant.kernel().set(0, arguments.bytes());
        long blocksOfGrid = (long) variant.rowBlocks(block.gate().rows()) * variant.expertTiles(chunk.choices(), count);
        kernel.kernel().launch(variant.shape(blocksOfGrid), kernel, stream);
    }

    private void levelRows(GroupedChoices some, int choices, int count) {
        level.set(0, h)
                .set(1, cells)
                .set(2, some.offsets())
                .set(3, count)
                .set(4, block.gate().rows())
                .set(5, factors);
        if (block.down().format() == TileFormat.Q2N) {
            level.set(6, block.down().isInSixteens() ? 1 : 0);
        }
        level.kernel().launch(LaunchShape.of(choices, LEVEL_BLOCK), level, stream);
    }
}
