package dev.gatun.engine.cuda;

import java.util.Optional;

/**
 * Has the host end its part of the experts before launches are recorded or closed: those wait for the device, which may wait
 * for the host.
 *
 * @param host ends it, if there is any
 */
record HostFirst(LaunchRecorder recorder, Runnable host) implements LaunchRecorder {
    @Override
    public Optional<Recorded> record(Runnable work) {
        host.run();
        return recorder.record(work).map(recorded -> new Behind(recorded, host));
    }

    private record Behind(Recorded recorded, Runnable host) implements Recorded {
        @Override
        public void launch() {
            recorded.launch();
        }

        @Override
        public boolean replace(Runnable work) {
            host.run();
            return recorded.replace(work);
        }

        @Override
        public void close() {
            try {
                host.run();
            } finally {
                recorded.close();
            }
        }
    }
}
