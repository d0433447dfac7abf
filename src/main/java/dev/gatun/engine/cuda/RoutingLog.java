package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.engine.RoutingObserver;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Carries the routers' choices of one chunk to the host, where the observer hears of them once the stream was awaited. */
final class RoutingLog implements AutoCloseable {
    private final CudaStream stream;
    private final RoutingObserver observer;
    private final PinnedBuffer memory;
    private final long partBytes;
    private final int topK;
    private final int[] tokensOfLayer;

    RoutingLog(CudaDevice device, CudaStream stream, RoutingObserver observer, int layers, int maxChunk, int topK) {
        this.stream = stream;
        this.observer = observer;
        this.topK = topK;
        this.partBytes = (long) maxChunk * topK * Integer.BYTES;
        this.memory = PinnedBuffer.allocate(device, 2L * layers * partBytes);
        this.tokensOfLayer = new int[layers];
    }

    /** Notes that a layer's choices for so many tokens are on their way. */
    void expect(int layer, int tokens) {
        tokensOfLayer[layer] = tokens;
    }

    /** Puts the copies of a layer's choices into the stream; each time that they run, they are to be expected. */
    void copy(int layer, CudaRouting routing) {
        long bytes = (long) routing.tokens() * topK * Integer.BYTES;
        routing.ids().copyTo(0, memory, 2L * layer * partBytes, bytes, stream);
        routing.weights().copyTo(0, memory, (2L * layer + 1) * partBytes, bytes, stream);
    }

    /** Tells the observer what was expected since the last time; the stream has been waited for. */
    void deliver() {
        for (int layer = 0; layer < tokensOfLayer.length; layer++) {
            int tokens = tokensOfLayer[layer];
            tokensOfLayer[layer] = 0;
            if (tokens > 0) {
                observer.routed(
                        layer,
                        tokens,
                        part(2 * layer, tokens).toArray(ValueLayout.JAVA_INT),
                        part(2 * layer + 1, tokens).toArray(ValueLayout.JAVA_FLOAT));
            }
        }
    }

    boolean isEmpty() {
        for (int tokens : tokensOfLayer) {
            if (tokens > 0) {
                return false;
            }
        }
        return true;
    }

    private MemorySegment part(int index, int tokens) {
        return memory.segment().asSlice(index * partBytes, (long) tokens * topK * Integer.BYTES);
    }

    @Override
    public void close() {
        memory.close();
    }
}
