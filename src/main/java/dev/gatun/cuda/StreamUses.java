package dev.gatun.cuda;

import java.util.ArrayList;
import java.util.List;

/** The streams whose work may still use a thing. Each is noted once, so that only a first use allocates. */
final class StreamUses {
    private volatile CudaStream[] streams = {};

    void add(CudaStream stream) {
        for (CudaStream used : streams) {
            if (used == stream) {
                return;
            }
        }
        addNew(stream);
    }

    private synchronized void addNew(CudaStream stream) {
        List<CudaStream> open = new ArrayList<>();
        for (CudaStream used : streams) {
            if (used == stream) {
                return;
            }
            if (used.isOpen()) {
                open.add(used);
            }
        }
        open.add(stream);
        streams = open.toArray(CudaStream[]::new);
    }

    void addAll(StreamUses others) {
        for (CudaStream stream : others.streams) {
            add(stream);
        }
    }

    /** Waits for the work of all these streams, but for one. */
    void awaitAllBut(CudaStream exempt) {
        for (CudaStream stream : streams) {
            if (stream != exempt) {
                stream.awaitWork();
            }
        }
    }

    void awaitAll() {
        awaitAllBut(null);
    }
}
