package dev.gatun.cli;

import dev.gatun.BackendPreference;
import dev.gatun.ExpertMisses;
import dev.gatun.ExpertPolicy;
import dev.gatun.ExpertSlots;
import dev.gatun.HostMemoryMode;
import dev.gatun.RowOrder;
import dev.gatun.quantize.SolverChoice;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads one of a few names, such as {@code least-squares}, in upper or lower case; who errs is told all of them, once. */
record Names<E extends Enum<E>>(Class<E> type) implements ITypeConverter<E> {
    /** Has a command line and all of its commands, which it has already, read every such name so. */
    static void registerIn(CommandLine line) {
        register(line, SolverChoice.class);
        register(line, BackendPreference.class);
        register(line, ExpertMisses.class);
        register(line, ExpertPolicy.class);
        register(line, ExpertSlots.class);
        register(line, HostMemoryMode.class);
        register(line, RowOrder.class);
        register(line, BenchCommand.Format.class);
    }

    private static <E extends Enum<E>> void register(CommandLine line, Class<E> type) {
        line.registerConverter(type, new Names<>(type));
    }

    @Override
    public E convert(String text) {
        return Arrays.stream(type.getEnumConstants())
                .filter(value -> text.equalsIgnoreCase(spelled(value)) || text.equalsIgnoreCase(value.name()))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("'" + text + "' is none of "
                        + Arrays.stream(type.getEnumConstants())
                                .map(Names::spelled)
                                .collect(Collectors.joining(", "))));
    }

    private static String spelled(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
