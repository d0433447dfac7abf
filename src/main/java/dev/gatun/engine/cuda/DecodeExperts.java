package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@code experts_q2.cu}: the chosen experts of at most 8 tokens in one launch; w1, w3, SwiGLU, w2 and the weighted sum onto
 * the residual stream.
 */
final class DecodeExperts implements AutoCloseable {
    private static final int BLOCK = 256;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 2;
    private static final int GROUP_ROWS = 16;

    // The fields of ExpertsArguments: ten pointers, then integers.
    private static final long TABLE = 0;
    private static final long POINTERS = 10;
    private static final long TOKENS = POINTERS * Long.BYTES;
    private static final int INTEGERS = 12;

    private final CudaStream stream;
    private final ExpertBlock block;
    private final TokenVariants kernels;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment arguments = arena.allocate(TOKENS + INTEGERS * Integer.BYTES, Long.BYTES);
    private final int topK;
    private final int multiprocessors;

    DecodeExperts(
            KernelLibrary library, CudaStream stream, DeviceArena memory, ExpertBlock block, int experts, int topK) {
        this.stream = stream;
        this.block = block;
        this.topK = topK;
        this.multiprocessors = library.device().properties().multiprocessors();
        String scheme = block.gate().format() == TileFormat.Q2N ? "q2n" : "q2";
        this.kernels = TokenVariants.find(library, "experts_q2", "gatun_experts_" + scheme);
        setWorkspace(memory);
        setShape(experts);
    }

    private void setWorkspace(DeviceArena memory) {
        long gateUp = 0;
        long down = 0;
        for (int tokens : new int[] {4, TokenVariants.MOST}) {
            long choices = (long) tokens * topK;
            gateUp = Math.max(gateUp, choices * 2 * slices(block.gate(), tokens) * block.gate().rows());
            down = Math.max(down, choices * slices(block.down(), tokens) * block.down().rows());
        }
        DeviceMemory counters = memory.allocate((long) block.down().rows() / GROUP_ROWS * Integer.BYTES);
        DeviceMemory barrier = memory.allocate(2 * Integer.BYTES);
        counters.zero(stream);
        barrier.zero(stream);
        pointer(5, memory.allocate(gateUp * Float.BYTES));
        pointer(6, memory.allocate(down * Float.BYTES));
        pointer(7, counters);
        pointer(8, barrier);
    }

    private void setShape(int experts) {
        integer(1, topK);
        integer(2, experts);
        integer(3, block.gate().columns());
        integer(4, block.gate().rows());
        integer(5, block.gate().pairs());
        integer(6, block.gate().period());
        integer(7, block.down().pairs());
        integer(8, block.down().period());
        integer(11, 0);
    }

    /**
     * hidden[t] += the weighted sum of the experts chosen for t of normed[t].
     *
     * @param table a pointer to each expert's block, null where it is not resident
     */
    void run(
            DeviceMemory table,
            DeviceMemory ids,
            DeviceMemory weights,
            DeviceFloats normed,
            DeviceFloats hidden,
            DeviceMemory error) {
        int tokens = hidden.rows();
        table.storeAddress(0, arguments, TABLE);
        pointer(1, ids);
        pointer(2, weights);
        pointer(3, normed.memory());
        pointer(4, hidden.memory());
        pointer(9, error);
        integer(0, tokens);
        integer(9, sliceTiles(tokens));
        integer(10, sliceTiles(tokens));
        KernelArguments kernel = kernels.of(tokens).set(0, arguments);
        kernel.kernel().launch(shape(kernel, tokens), kernel, stream);
    }

    private LaunchShape shape(KernelArguments kernel, int tokens) {
        int variant = TokenVariants.size(tokens);
        int entry = block.gate().format() == TileFormat.Q2N ? 8 : 16;
        int shared = variant * sliceTiles(tokens) * 32 * entry + (variant == 1 ? 8192 : 16384) + 36 * variant;
        // All blocks wait for each other, so no more than run at once.
        int resident = kernel.kernel().blocksPerMultiprocessor(BLOCK, shared);
        int blocks = multiprocessors * Math.min(BLOCKS_PER_MULTIPROCESSOR, resident);
        return LaunchShape.of(blocks, BLOCK).sharing(shared).cooperative();
    }

    private static int slices(TileShape shape, int tokens) {
        return Math.ceilDiv(shape.tileColumns(), sliceTiles(tokens));
    }

    /** Tiles whose inputs lie in shared memory together. */
    private static int sliceTiles(int tokens) {
        return TokenVariants.size(tokens) == TokenVariants.MOST ? 4 : 8;
    }

    private void pointer(int index, DeviceMemory memory) {
        memory.storeAddress(0, arguments, (long) index * Long.BYTES);
    }

    private void integer(int index, int value) {
        arguments.set(ValueLayout.JAVA_INT, TOKENS + (long) index * Integer.BYTES, value);
    }

    @Override
    public void close() {
        arena.close();
    }
}
