package dev.gatun.engine.cuda;

/** Hears, as work is put into the computing stream, which part of a forward pass it belongs to. */
interface PassClock {
    /** The one that hears nothing: for backends that take no times. */
    PassClock NONE = new PassClock() {
        @Override
        public void enter(Part part) {}

        @Override
        public void waited() {}

        @Override
        public void end() {}

        @Override
        public void collect() {}

        @Override
        public void discard() {}
    };

    /** What is put in from now on, and the pauses between it, belong to this part. */
    void enter(Part part);

    /** The present part turned out to be {@link Part#WAITING}. */
    void waited();

    /** The pass is put in. */
    void end();

    /** The pass is done, and was awaited. */
    void collect();

    /** The pass failed, or nobody will await it. */
    void discard();
}
