package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.ExpertCut;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.List;
import java.util.stream.IntStream;

/**
 * {@code experts_q2.cu}: the chosen experts of at most 8 tokens in one launch; w1, w3, SwiGLU, w2 and the weighted sum onto
 * the residual stream.
 */
final class DecodeExperts {
    private static final int BLOCK = 256;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 2;

    /** Tiles whose inputs lie in shared memory together. */
    private static final int SLICE_TILES = 8;

    // struct ExpertsArguments.
    private static final long BYTES = 128;
    private static final long BLOCKS = 0;
    private static final long IDS = 8;
    private static final long WEIGHTS = 16;
    private static final long X = 24;
    private static final long Y = 32;
    private static final long GATE_UP_SUMS = 40;
    private static final long DOWN_SUMS = 48;
    private static final long BARRIER = 64;
    private static final long ERROR = 72;
    private static final long TOKENS = 80;
    private static final long TOP_K = 84;
    private static final long EXPERTS = 88;
    private static final long HIDDEN = 92;
    private static final long FFN = 96;
    private static final long GATE_PAIRS = 100;
    private static final long GATE_PERIOD = 104;
    private static final long DOWN_PAIRS = 108;
    private static final long DOWN_PERIOD = 112;
    private static final long GATE_SLICE_TILES = 116;
    private static final long DOWN_SLICE_TILES = 120;
    private static final long SIXTEENS = 124;

    private final CudaStream stream;
    private final ExpertBlock block;
    private final TokenVariants kernels;
    private final KernelStruct arguments = KernelStruct.allocate(BYTES);
    private final int topK;
    private final int multiprocessors;
    private final DeviceMemory barrier;
    private List<LaunchShape> shapes;

    /**
     * @param memory for words that stay
     * @param sums for what nobody reads after a launch
     */
    DecodeExperts(
            KernelLibrary library,
            CudaStream stream,
            DeviceArena memory,
            DevicePieces sums,
            ExpertBlock block,
            int experts,
            int topK) {
        this.stream = stream;
        this.block = block;
        this.topK = topK;
        this.multiprocessors = library.device().properties().multiprocessors();
        String scheme = block.gate().format() == TileFormat.Q2N ? "q2n" : "q2";
        this.kernels = TokenVariants.find(library, "experts_q2", "gatun_experts_" + scheme);
        this.barrier = memory.allocate(3 * Integer.BYTES);
        leaveRoom(0);
        setSums(sums);
        setShape(experts);
        recover();
    }

    /**
     * Lets other blocks stay resident while this runs, as fewer of its own do: they take all registers of a multiprocessor, and
     * all must be resident to end. What is computed has the same bits.
     *
     * @param blocks how many blocks of other kernels, each no larger than one of this
     */
    void leaveRoom(int blocks) {
        shapes = IntStream.of(1, 2, 4, TokenVariants.MOST)
                .mapToObj(variant -> shape(variant, blocks))
                .toList();
    }

    private void setSums(DevicePieces memory) {
        long choices = (long) TokenVariants.MOST * topK;
        long gateUp = choices * 2 * slices(block.gate()) * block.gate().rows();
        long down = choices * slices(block.down()) * block.down().rows();
        arguments
                .pointer(GATE_UP_SUMS, memory.allocate(gateUp * Float.BYTES))
                .pointer(DOWN_SUMS, memory.allocate(down * Float.BYTES));
    }

    private void setShape(int experts) {
        arguments
                .pointer(BARRIER, barrier)
                .integer(TOP_K, topK)
                .integer(EXPERTS, experts)
                .integer(HIDDEN, block.gate().columns())
                .integer(GATE_PAIRS, block.gate().pairs())
                .integer(GATE_PERIOD, block.gate().period())
                .integer(DOWN_PERIOD, block.down().period())
                .integer(GATE_SLICE_TILES, SLICE_TILES)
                .integer(DOWN_SLICE_TILES, SLICE_TILES)
                .integer(SIXTEENS, block.down().isInSixteens() ? 1 : 0);
        setWidth(block.gate().rows(), block.down().pairs());
    }

    private void setWidth(int intermediate, int downPairs) {
        arguments.integer(FFN, intermediate).integer(DOWN_PAIRS, downPairs);
    }

    /**
     * hidden += the weighted sum of the chosen experts.
     *
     * @param table a pointer to each expert's block, null where it is not resident, 1 where it is left out since it
     *     is computed elsewhere, as {@link SlotTable} writes it
     */
    void run(DeviceMemory table, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        int tokens = hidden.rows();
        arguments
                .pointer(BLOCKS, table)
                .pointer(IDS, routing.ids())
                .pointer(WEIGHTS, routing.weights())
                .pointer(X, routing.normed().memory())
                .pointer(Y, hidden.memory())
                .pointer(ERROR, error)
                .integer(TOKENS, tokens);
        KernelArguments kernel = kernels.of(tokens).set(0, arguments.bytes());
        kernel.kernel().launch(shapes.get(TokenVariants.index(tokens)), kernel, stream);
    }

    /** The same for one token of a chunk. */
    void runToken(DeviceMemory table, int token, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        run(table, routing.token(token, topK), hidden.rows(token, 1), error);
    }

    /**
     * The same for experts of which only the leading parts are there, packed.
     *
     * @param table points to them; what is computed elsewhere is marked so
     */
    void runLeadingParts(
            ExpertCut cut,
            int parts,
            DeviceMemory table,
            int token,
            CudaRouting routing,
            DeviceFloats hidden,
            DeviceMemory error) {
        setWidth(cut.values(parts), cut.downPairs(parts));
        try {
            runToken(table, token, routing, hidden, error);
        } finally {
            setWidth(block.gate().rows(), block.down().pairs());
        }
    }

    /** Makes the next launch possible after one whose blocks waited in vain. */
    void recover() {
        barrier.zero(stream);
    }

    private LaunchShape shape(int variant, int others) {
        int entry = block.gate().format() == TileFormat.Q2N ? 8 : variant == 1 ? 32 : 16;
        int shared = variant * SLICE_TILES * 32 * entry + 16384 + 36 * variant;
        // All blocks wait for each other, so no more than run at once.
        int resident = kernels.of(variant).kernel().blocksPerMultiprocessor(BLOCK, shared);
        int blocks = Math.max(1, multiprocessors * Math.min(BLOCKS_PER_MULTIPROCESSOR, resident) - others);
        return LaunchShape.of(blocks, BLOCK).sharing(shared).cooperative();
    }

    private static int slices(TileShape shape) {
        return Math.ceilDiv(shape.tileColumns(), SLICE_TILES);
    }
}
