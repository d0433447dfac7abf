package dev.gatun.offload;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;

/** Fills blocks of host memory with experts, many at once. */
public final class StoreFiller {
    private static final ThreadFactory THREADS =
            Thread.ofPlatform().daemon().name("gatun-load-", 0).factory();

    private final ExpertSource source;
    private final int experts;
    private final int threads;

    /** Makes a filler with a thread for each processor and {@code experts} experts a layer. */
    public StoreFiller(ExpertSource source, int experts) {
        this(source, experts, Runtime.getRuntime().availableProcessors());
    }

    StoreFiller(ExpertSource source, int experts, int threads) {
        this.source = source;
        this.experts = experts;
        this.threads = threads;
    }

    /**
     * Fills blocks, and waits until that is done. However it ends, nothing is written any more when it returns.
     *
     * @param numbers the expert of each block, numbered layer by layer: {@code layer * experts + expert}
     * @param blocks the memory of a block by its number, from 0; any thread asks for it
     * @throws InterruptedException if the calling thread was interrupted; some blocks are filled then, as when the source
     *     or the listener fails, whose first failure is thrown
     */
    public void fill(int[] numbers, IntFunction<MemorySegment> blocks, LoadListener listener)
            throws InterruptedException {
        AtomicBoolean stopped = new AtomicBoolean();
        try (ExecutorService workers = Executors.newFixedThreadPool(threads, THREADS)) {
            CompletionService<Void> writes = new ExecutorCompletionService<>(workers);
            for (int block = 0; block < numbers.length; block++) {
                int number = numbers[block];
                int target = block;
                writes.submit(() -> write(stopped, number, target, blocks), null);
            }
            try {
                await(writes, numbers.length, listener);
            } finally {
                // Interrupting the workers would close the files that they read.
                stopped.set(true);
            }
        }
    }

    private void write(AtomicBoolean stopped, int number, int block, IntFunction<MemorySegment> blocks) {
        if (!stopped.get()) {
            source.write(number / experts, number % experts, blocks.apply(block));
        }
    }

    private void await(CompletionService<Void> writes, int count, LoadListener listener) throws InterruptedException {
        long bytes = source.block().bytes();
        listener.loaded(0, count * bytes);
        for (int done = 1; done <= count; done++) {
            requireWritten(writes.take());
            listener.loaded(done * bytes, count * bytes);
        }
    }

    private static void requireWritten(Future<Void> write) {
        if (write.state() == Future.State.FAILED) {
            switch (write.exceptionNow()) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case Throwable other -> throw new IllegalStateException(other);
            }
        }
    }
}
