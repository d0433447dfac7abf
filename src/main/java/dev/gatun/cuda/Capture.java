package dev.gatun.cuda;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** The recording of streams' work into a graph: which streams take part, and which resources the graph will need. */
final class Capture {
    private final Set<Resource> held = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<CudaStream> streams = new ArrayList<>();
    private volatile boolean isEnded;

    /** Keeps a resource from being closed. Called by a call in progress on it. */
    synchronized void hold(Resource resource) {
        if (held.add(resource)) {
            resource.lifetime().hold();
        }
    }

    synchronized void join(CudaStream stream) {
        streams.add(stream);
        stream.capture(this);
    }

    /** Lets the streams go; events recorded meanwhile are of no use any more. */
    synchronized void end() {
        isEnded = true;
        streams.forEach(stream -> stream.capture(null));
    }

    boolean isEnded() {
        return isEnded;
    }

    /** Lets the resources go, which the work of these streams may still use. */
    synchronized void release(StreamUses uses) {
        for (Resource resource : held) {
            resource.uses().addAll(uses);
            resource.lifetime().release();
        }
        held.clear();
    }
}
