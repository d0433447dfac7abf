package dev.gatun.quantize;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Writes layers in a thread of its own, one after the other, while the next is quantized: two are in memory at most. One
 * thread calls it; closing waits for the layer in flight, which is finished whatever else failed.
 */
final class LayerWriting implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("gatun-write").factory());
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);

    /**
     * Waits for the layer before, and begins another one.
     *
     * @throws RuntimeException what writing the one before threw; this one is not begun then
     */
    void begin(Runnable writing) {
        await();
        last = CompletableFuture.runAsync(writing, thread);
    }

    /**
     * Waits until all is written.
     *
     * @throws RuntimeException what writing threw
     */
    void await() {
        try {
            last.join();
        } catch (CompletionException failure) {
            switch (failure.getCause()) {
                case RuntimeException unchecked -> throw unchecked;
                case Error error -> throw error;
                case Throwable other -> throw new IllegalStateException(other);
            }
        }
    }

    @Override
    public void close() {
        thread.close();
    }
}
