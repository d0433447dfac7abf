package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** Every option of every command whose value is one of a few names. */
class NamesTest {
    private static Stream<Arguments> options() {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        Console console = new Console(InputStream.nullInputStream(), nowhere, nowhere, false, false);
        return GatunCommand.line(console, new AtomicBoolean()).getSubcommands().values().stream()
                .flatMap(command -> command.getCommandSpec().options().stream()
                        .filter(option -> type(option).isEnum())
                        .map(option -> Arguments.of(command, option)));
    }

    /** That of the value, even if the option may be left out. */
    private static Class<?> type(OptionSpec option) {
        return option.auxiliaryTypes()[0];
    }

    private static List<String> names(OptionSpec option) {
        return Arrays.stream(type(option).getEnumConstants())
                .map(value -> ((Enum<?>) value).name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .toList();
    }

    private static void parse(CommandLine command, OptionSpec option, String name) {
        command.getParent().parseArgs(command.getCommandName(), option.longestName(), name);
    }

    @Test
    void thereAreSuchOptionsOfManyTypes() {
        assertThat(options()
                        .map(arguments -> type((OptionSpec) arguments.get()[1]))
                        .distinct())
                .hasSizeGreaterThanOrEqualTo(7);
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("options")
    void aNameMayBeInUpperOrLowerCase(CommandLine command, OptionSpec option) {
        for (String name : names(option)) {
            for (String spelled : List.of(name, name.toUpperCase(Locale.ROOT))) {
                Throwable thrown = catchThrowable(() -> parse(command, option, spelled));
                // The command asks for more than this option, after having read it.
                assertThat(thrown == null || thrown instanceof MissingParameterException)
                        .as("%s %s: %s", option.longestName(), spelled, thrown)
                        .isTrue();
            }
        }
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("options")
    void whoErrsIsToldAllNamesOnce(CommandLine command, OptionSpec option) {
        Throwable thrown = catchThrowable(() -> parse(command, option, "no-such-name"));
        assertThat(thrown)
                .isInstanceOf(ParameterException.class)
                .message()
                .contains(option.longestName())
                .endsWith("'no-such-name' is none of " + String.join(", ", names(option)))
                .doesNotContain("\n");
    }
}
