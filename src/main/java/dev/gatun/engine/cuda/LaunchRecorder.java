package dev.gatun.engine.cuda;

import java.util.Optional;

/** Makes one launch of many. */
interface LaunchRecorder {
    /**
     * Records what {@code work} launches; none of it runs. The caller closes what was recorded.
     *
     * @param work launches only; what it throws is passed on
     * @return nothing if there is no memory for it
     */
    Optional<Recorded> record(Runnable work);

    /** Launches that are one. */
    interface Recorded extends AutoCloseable {
        /** Runs all of it, in order with what else is launched. */
        void launch();

        /**
         * Records other work in place of this.
         *
         * @return whether it could be done; if not, this is as it was and {@code work} needs a record of its own
         */
        boolean replace(Runnable work);

        /** Waits for its launches and lets go of the memory that they use. */
        @Override
        void close();
    }
}
