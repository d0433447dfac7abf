package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.ModelSource;
import dev.gatun.RowOrder;
import dev.gatun.StoredScheme;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that say what a model folder leaves open. */
final class SourceArguments {
    /** Bits, rows of a group, and groups of a scale group: {@code 4/64/256}. */
    static final class Scheme implements ITypeConverter<StoredScheme> {
        private static final Pattern NUMBERS = Pattern.compile("(\\d{1,9})/(\\d{1,9})/(\\d{1,9})");

        @Override
        public StoredScheme convert(String text) {
            Matcher numbers = NUMBERS.matcher(text);
            if (!numbers.matches()) {
                throw new TypeConversionException("'" + text + "' is not bits/group/scale group, such as 4/64/256");
            }
            try {
                return new StoredScheme(number(numbers, 1), number(numbers, 2), number(numbers, 3));
            } catch (GatunException impossible) {
                throw new TypeConversionException(impossible.getMessage());
            }
        }

        private static int number(Matcher numbers, int which) {
            return Integer.parseInt(numbers.group(which));
        }
    }

    @Mixin
    private final ConfigArguments config = new ConfigArguments();

    @Option(
            names = "--row-order",
            paramLabel = "NAME",
            description =
                    "How 3-bit codes lie in their words, where that cannot be told from their number: native, split "
                            + "or interleaved.")
    private Optional<RowOrder> rowOrder = Optional.empty();

    @Option(
            names = "--attention-scheme",
            paramLabel = "B/G/S",
            converter = Scheme.class,
            description = "How HQQ quantized attention: bits, rows of a group, groups of a scale group: 4/64/256. "
                    + "Default: what quantization.json beside the model says, or else the numbers of elements.")
    private Optional<StoredScheme> attentionScheme = Optional.empty();

    @Option(
            names = "--expert-scheme",
            paramLabel = "B/G/S",
            converter = Scheme.class,
            description = "How HQQ quantized experts: 2/16/128. Default: likewise.")
    private Optional<StoredScheme> expertScheme = Optional.empty();

    /** The model. */
    ModelSource model(Path named) {
        ModelSource source = config.model(named);
        return new ModelSource(source.weights(), source.config(), rowOrder, attentionScheme, expertScheme);
    }
}
