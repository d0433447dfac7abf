package dev.gatun.cli;

import dev.gatun.ModelSource;
import dev.gatun.RowOrder;
import dev.gatun.StoredScheme;
import dev.gatun.checkpoint.CheckpointSource;
import dev.gatun.checkpoint.StatedScheme;
import dev.gatun.checkpoint.StatedSchemes;
import dev.gatun.checkpoint.ThreeBitOrder;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that say what a model folder leaves open. Wherever they name a folder, OWNER/NAME of a hub does as well. */
final class SourceArguments {
    /** Bits, rows of a group, and groups of a scale group: {@code 4/64/256}. */
    static final class Scheme implements ITypeConverter<StatedScheme> {
        private static final Pattern NUMBERS = Pattern.compile("(\\d{1,9})/(\\d{1,9})/(\\d{1,9})");

        @Override
        public StatedScheme convert(String text) {
            Matcher numbers = NUMBERS.matcher(text);
            if (!numbers.matches()) {
                throw new TypeConversionException("'" + text + "' is not bits/group/scale group, such as 4/64/256");
            }
            try {
                return new StatedScheme(number(numbers, 1), number(numbers, 2), number(numbers, 3));
            } catch (IllegalArgumentException impossible) {
                throw new TypeConversionException(impossible.getMessage());
            }
        }

        private static int number(Matcher numbers, int which) {
            return Integer.parseInt(numbers.group(which));
        }
    }

    @Option(
            names = "--config",
            paramLabel = "DIR",
            description =
                    "Folder with config.json and the tokenizer, if the model's own has none; or OWNER/NAME, which gatun "
                            + "pull downloaded. Default: the model's.")
    private Optional<Path> config = Optional.empty();

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
    private Optional<StatedScheme> attentionScheme = Optional.empty();

    @Option(
            names = "--expert-scheme",
            paramLabel = "B/G/S",
            converter = Scheme.class,
            description = "How HQQ quantized experts: 2/16/128. Default: likewise.")
    private Optional<StatedScheme> expertScheme = Optional.empty();

    /** A folder to run. */
    ModelSource model(Path named) {
        return new ModelSource(
                ModelPlace.of(named),
                config.map(ModelPlace::of),
                rowOrder,
                attentionScheme.map(SourceArguments::stored),
                expertScheme.map(SourceArguments::stored));
    }

    private static StoredScheme stored(StatedScheme scheme) {
        return new StoredScheme(scheme.bits(), scheme.groupSize(), scheme.scaleGroup());
    }

    /** A folder to look at. */
    CheckpointSource checkpoint(Path named) {
        Path folder = ModelPlace.of(named);
        return new CheckpointSource(
                folder,
                config.map(ModelPlace::of).orElse(folder),
                rowOrder.map(order -> ThreeBitOrder.valueOf(order.name())),
                new StatedSchemes(attentionScheme, expertScheme));
    }
}
