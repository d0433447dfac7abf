package dev.gatun.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Closes streams that stay silent for too long, since the HTTP client itself waits for ever once an answer has begun. */
final class LivelyStreams implements AutoCloseable {
    private final long silenceNanos;
    private final Set<Watched> open = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("hub-watch").factory());

    LivelyStreams(Duration silence) {
        silenceNanos = silence.toNanos();
        long interval = Math.max(1, silenceNanos / 8);
        var _ = watch.scheduleWithFixedDelay(this::closeSilent, interval, interval, TimeUnit.NANOSECONDS);
    }

    /** The same stream; while it is read, each reading must bring something in time. The caller closes it. */
    InputStream watched(InputStream stream) {
        Watched watched = new Watched(stream);
        open.add(watched);
        return watched;
    }

    private void closeSilent() {
        long now = System.nanoTime();
        open.stream().filter(stream -> now - stream.heard > silenceNanos).forEach(Watched::abandon);
    }

    @Override
    public void close() {
        watch.shutdownNow();
    }

    private final class Watched extends FilterInputStream {
        private volatile long heard = System.nanoTime();

        Watched(InputStream stream) {
            super(stream);
        }

        @Override
        public int read() throws IOException {
            heard = System.nanoTime();
            return super.read();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            heard = System.nanoTime();
            return super.read(buffer, offset, length);
        }

        private void abandon() {
            try {
                close();
            } catch (IOException alreadyGone) {
                open.remove(this);
            }
        }

        @Override
        public void close() throws IOException {
            open.remove(this);
            super.close();
        }
    }
}
