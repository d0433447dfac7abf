package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.engine.CandidateRequest;
import java.lang.foreign.MemorySegment;

/** {@code candidates.cu}: the likeliest tokens of a row of logits. */
final class CudaCandidateSearch {
    private static final int MOST_BLOCKS = 32;
    private static final int BLOCK = 1024;

    /** Of recent tokens. */
    static final int MOST_RECENT = 1 << 16;

    private final CudaResources resources;
    private final CudaStream stream;
    private final KernelArguments kernel;
    private final DeviceMemory errors;
    private final DeviceMemory recent;
    private final DeviceMemory scratch;
    private final DeviceMemory counter;
    private final DeviceMemory result;
    private final DeviceMemory notANumber;
    private final PinnedBuffer host;
    private final UploadRing recentUploads;

    /** @param errors the chunk's error words */
    CudaCandidateSearch(CudaResources resources, DeviceMemory errors) {
        DeviceArena arena = resources.arena();
        this.resources = resources;
        this.stream = resources.stream();
        this.kernel = resources.kernels().find("candidates", "gatun_candidates");
        this.errors = errors;
        this.recent = arena.allocate((long) MOST_RECENT * Integer.BYTES);
        this.scratch = arena.allocate(MOST_BLOCKS * (8L * CandidateRequest.MOST + 24));
        this.counter = arena.allocate(Integer.BYTES);
        this.result = arena.allocate(resultBytes(CandidateRequest.MOST));
        // Not among the chunk's words: the flags say it as well, and whoever samples then asks for all logits.
        this.notANumber = arena.allocate(Integer.BYTES);
        counter.zero(stream);
        notANumber.zero(stream);
        this.host = resources.remember(PinnedBuffer.allocate(stream.device(), result.byteSize()));
        this.recentUploads = resources.remember(new UploadRing(stream.device(), stream, MOST_RECENT * Integer.BYTES));
    }

    private static long resultBytes(int wanted) {
        return 16 + 8L * wanted;
    }

    /** As {@link dev.gatun.engine.CandidateSearch#await}. */
    void await(DeviceFloats logits, CandidateRequest request, int[] recentIds, MemorySegment target) {
        if (recentIds.length > MOST_RECENT) {
            throw new IllegalArgumentException(recentIds.length + " recent tokens: at most " + MOST_RECENT);
        }
        DeviceFloats row = logits.rows(logits.rows() - 1, 1);
        if (recentIds.length > 0) {
            recentUploads.upload(recentIds, recent);
        }
        launch(row, request, recentIds.length);
        long bytes = resultBytes(request.wanted());
        result.copyTo(0, host, 0, bytes, stream);
        resources.download().awaitErrors(errors);
        target.copyFrom(host.segment().asSlice(0, bytes));
    }

    /** Puts the search into the stream. */
    void launch(DeviceFloats row, CandidateRequest request, int recents) {
        kernel.set(0, row.memory())
                .set(1, row.columns())
                .set(2, recent)
                .set(3, recents)
                .set(4, request.penalty())
                .set(5, request.inverseTemperature())
                .set(6, request.wanted())
                .set(7, scratch)
                .set(8, counter)
                .set(9, result)
                .set(10, notANumber);
        int blocks = Math.min(MOST_BLOCKS, Math.ceilDiv(row.columns(), BLOCK));
        kernel.kernel().launch(LaunchShape.of(blocks, BLOCK), kernel, stream);
    }
}
