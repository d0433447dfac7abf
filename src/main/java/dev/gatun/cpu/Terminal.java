package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;

/** Asks whether somebody sits at the other end of a file descriptor, which Java alone cannot tell. */
public final class Terminal {
    /** Standard input. */
    public static final int STDIN = 0;

    /** Standard output. */
    public static final int STDOUT = 1;

    /** Standard error. */
    public static final int STDERR = 2;

    private Terminal() {}

    /**
     * Whether a file descriptor is a terminal; false if it is closed.
     *
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     */
    public static boolean isTerminal(int descriptor) {
        LinkedLibrary.require();
        return CpuLibrary.gatun_is_terminal(descriptor) == 1;
    }
}
