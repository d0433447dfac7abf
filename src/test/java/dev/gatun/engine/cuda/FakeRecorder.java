package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Kernels that run at once or are recorded, without a device; it counts what is made of them. Behind a kernel that waits for the
 * host none runs, and nothing may wait for the device.
 */
final class FakeRecorder implements LaunchRecorder {
    private Optional<List<Runnable>> recording = Optional.empty();
    /** What was put in behind a kernel that waits, and that kernel, if there is one. */
    private final List<Runnable> waiting = new ArrayList<>();

    private boolean hasMemory = true;
    private boolean canReplace = true;
    private int plain;
    private int made;
    private int replaced;
    private int launched;
    private int open;

    /** Puts a kernel into the stream. */
    void launch(Runnable kernel) {
        if (recording.isPresent()) {
            recording.get().add(kernel);
        } else {
            plain++;
            putIn(kernel);
        }
    }

    private void putIn(Runnable kernel) {
        if (waiting.isEmpty()) {
            kernel.run();
        } else {
            waiting.add(kernel);
        }
    }

    /** Puts a kernel into the stream that waits for {@link #release}. */
    void launchWaiting(Runnable kernel) {
        requireNoWait();
        waiting.add(kernel);
    }

    /** What was waited for has come. */
    void release() {
        waiting.forEach(Runnable::run);
        waiting.clear();
    }

    /** Whether a kernel waits. */
    boolean isWaiting() {
        return !waiting.isEmpty();
    }

    private void requireNoWait() {
        assertThat(waiting)
                .as("the device waits for a host that waits for the device")
                .isEmpty();
    }

    FakeRecorder withMemory(boolean there) {
        hasMemory = there;
        return this;
    }

    FakeRecorder withReplacing(boolean possible) {
        canReplace = possible;
        return this;
    }

    /** Kernels launched one by one. */
    int plain() {
        return plain;
    }

    /** Records made. */
    int made() {
        return made;
    }

    /** Records that got other work. */
    int replaced() {
        return replaced;
    }

    /** Launches of records. */
    int launched() {
        return launched;
    }

    /** Records not closed. */
    int open() {
        return open;
    }

    @Override
    public Optional<Recorded> record(Runnable work) {
        requireNoWait();
        List<Runnable> kernels = kernels(work);
        if (!hasMemory) {
            return Optional.empty();
        }
        made++;
        open++;
        return Optional.of(new FakeRecord(kernels));
    }

    private List<Runnable> kernels(Runnable work) {
        List<Runnable> kernels = new ArrayList<>();
        recording = Optional.of(kernels);
        try {
            work.run();
        } finally {
            recording = Optional.empty();
        }
        return kernels;
    }

    private final class FakeRecord implements Recorded {
        private List<Runnable> kernels;
        private boolean isClosed;

        private FakeRecord(List<Runnable> kernels) {
            this.kernels = kernels;
        }

        @Override
        public void launch() {
            requireOpen();
            launched++;
            kernels.forEach(FakeRecorder.this::putIn);
        }

        @Override
        public boolean replace(Runnable work) {
            requireOpen();
            requireNoWait();
            if (canReplace) {
                replaced++;
                kernels = kernels(work);
            }
            return canReplace;
        }

        @Override
        public void close() {
            requireOpen();
            requireNoWait();
            isClosed = true;
            open--;
        }

        private void requireOpen() {
            if (isClosed) {
                throw new IllegalStateException("the record is closed");
            }
        }
    }
}
