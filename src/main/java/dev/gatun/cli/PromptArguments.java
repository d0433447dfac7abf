package dev.gatun.cli;

import dev.gatun.GatunException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Where the prompt comes from: an argument, a file, standard input, or the demo. */
final class PromptArguments {
    /** What the demo model goes on from when nobody says anything. */
    static final String DEMO = "Once upon a time there was a little girl who";

    /** One of the two. */
    static final class Source {
        @Option(
                names = {"-p", "--prompt"},
                paramLabel = "PROMPT",
                description = "The text to go on from.")
        Optional<String> text = Optional.empty();

        @Option(
                names = {"-f", "--file"},
                paramLabel = "FILE",
                description = "A UTF-8 file with the text to go on from; - for standard input.")
        Optional<Path> file = Optional.empty();
    }

    @ArgGroup
    Source source = new Source();

    /**
     * Finds the prompt.
     *
     * @param demo whether the demo model runs, which has a prompt of its own
     * @throws GatunException if there is none, or it is not UTF-8
     */
    String read(Console console, boolean demo) {
        if (source.text.isPresent()) {
            return decoded(source.text.get());
        }
        if (source.file.isPresent() && !source.file.get().toString().equals("-")) {
            return Utf8Text.of("prompt", source.file.get());
        }
        if (source.file.isEmpty() && console.inIsTerminal()) {
            return demo ? DEMO : missing();
        }
        String piped = Utf8Text.of("prompt", console.in());
        return piped.isEmpty() && source.file.isEmpty() ? (demo ? DEMO : missing()) : piped;
    }

    private static String missing() {
        throw new GatunException("prompt: there is none; give it with -p PROMPT, -f FILE or on standard input");
    }

    /** Java turns bytes of the command line that the locale cannot hold into U+FFFD. */
    private static String decoded(String argument) {
        if (argument.indexOf('\uFFFD') >= 0) {
            throw new GatunException(
                    "prompt: it could not be decoded in this locale; put it into a UTF-8 file and use -f FILE, or set "
                            + "LC_ALL=C.UTF-8");
        }
        return argument;
    }
}
