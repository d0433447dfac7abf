package dev.gatun.cuda;

/** Something that work on streams uses: memory, a module's code, a graph. It outlives that work. */
final class Resource {
    private final Lifetime lifetime;
    private final StreamUses uses = new StreamUses();

    /** @param name what it is, as in "… is closed" */
    Resource(String name) {
        lifetime = new Lifetime(name);
    }

    Lifetime lifetime() {
        return lifetime;
    }

    StreamUses uses() {
        return uses;
    }

    /** Begins a call that enqueues work with this resource; {@link #exit} follows. The stream was entered before. */
    void enter(CudaStream stream) {
        lifetime.enter();
        try {
            note(stream);
        } catch (RuntimeException | Error e) {
            exit();
            throw e;
        }
    }

    private void note(CudaStream stream) {
        Capture capture = stream.capture();
        if (capture == null) {
            uses.add(stream);
        } else {
            capture.hold(this);
        }
    }

    void exit() {
        lifetime.exit();
    }
}
