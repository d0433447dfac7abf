package dev.gatun.cli;

import dev.gatun.cpu.Terminal;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Where the program reads and writes. Text is UTF-8 whatever the locale says.
 *
 * @param in standard input, as bytes
 * @param out for the text alone
 * @param err for everything else
 * @param inIsTerminal whether a person could type into {@code in}
 * @param errIsTerminal whether a person sees {@code err} at once, so that a progress bar makes sense
 */
record Console(InputStream in, PrintStream out, PrintStream err, boolean inIsTerminal, boolean errIsTerminal) {
    static Console ofProcess() {
        return new Console(
                new FileInputStream(FileDescriptor.in),
                new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8),
                new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                isTerminal(Terminal.STDIN),
                isTerminal(Terminal.STDERR));
    }

    /**
     * Why {@link #out} of the process could not be written, if it could not. A reader that has gone away, as of
     * {@code | head}, is no failure.
     */
    Optional<String> outFailure() {
        if (!out.checkError()) {
            return Optional.empty();
        }
        // The stream only says that there was an error: one more byte tells which.
        try (FileOutputStream again = new FileOutputStream("/dev/stdout")) {
            again.write('\n');
            return Optional.empty();
        } catch (IOException failure) {
            String reason = String.valueOf(failure.getMessage());
            return reason.contains("Broken pipe") ? Optional.empty() : Optional.of(reason);
        }
    }

    /** {@link #out} for picocli; flushes at line ends. */
    PrintWriter outWriter() {
        return writer(out);
    }

    /** {@link #err} for picocli; flushes at line ends. */
    PrintWriter errWriter() {
        return writer(err);
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
    }

    /** A machine on which the library cannot be loaded still gets its help texts and a prompt's error. */
    private static boolean isTerminal(int descriptor) {
        try {
            return Terminal.isTerminal(descriptor);
        } catch (RuntimeException noLibrary) {
            return Optional.ofNullable(System.console())
                    .map(java.io.Console::isTerminal)
                    .orElse(false);
        }
    }
}
