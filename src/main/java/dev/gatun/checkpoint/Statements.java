package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * What is stated of matrices that HQQ quantized, and by whom: options go before the side file, and both are compared with the
 * numbers of elements, which tell bits and group sizes by themselves. They do not tell the order of 3-bit codes.
 */
final class Statements {
    private record Statement(StatedScheme scheme, String source) {}

    /** Options that no matrix was compared with yet. A side file may tell of parts that are stored in another way since. */
    private final Map<ModelPart, Statement> unmet = new EnumMap<>(ModelPart.class);

    private final Map<ModelPart, Statement> all = new EnumMap<>(ModelPart.class);
    private final Optional<ThreeBitOrder> order;

    private Statements(Optional<ThreeBitOrder> order) {
        this.order = order;
    }

    /** Nothing is stated. */
    static Statements none() {
        return new Statements(Optional.empty());
    }

    /**
     * What is stated of a model.
     *
     * @param isHqq whether it has such matrices: a side file is not looked for otherwise
     */
    static Statements of(CheckpointSource source, boolean isHqq) {
        Optional<QuantizationFile> file = isHqq ? QuantizationFile.find(source) : Optional.empty();
        Statements statements = new Statements(source.order().or(() -> file.flatMap(QuantizationFile::order)));
        file.ifPresent(some -> statements.all.putAll(byPart(
                some.schemes(), "`attention` in " + Quoted.of(some.path()), "`experts` in " + Quoted.of(some.path()))));
        Map<ModelPart, Statement> options = byPart(source.schemes(), "--attention-scheme", "--expert-scheme");
        statements.all.putAll(options);
        statements.unmet.putAll(options);
        return statements;
    }

    private static Map<ModelPart, Statement> byPart(StatedSchemes schemes, String attention, String experts) {
        Map<ModelPart, Statement> parts = new EnumMap<>(ModelPart.class);
        schemes.attention().ifPresent(some -> parts.put(ModelPart.ATTENTION, new Statement(some, attention)));
        schemes.experts().ifPresent(some -> parts.put(ModelPart.EXPERTS, new Statement(some, experts)));
        return parts;
    }

    /** The order of 3-bit codes; empty for what follows from their number. */
    Optional<ThreeBitOrder> order() {
        return order;
    }

    /**
     * Compares what the numbers of elements say of a matrix with what is stated of its part.
     *
     * @param name the matrix's full name
     * @param codes one of its tensors, for messages
     * @param found what the numbers say
     * @throws CheckpointException if that is another scheme
     */
    void require(String name, StoredTensor codes, StatedScheme found) {
        ModelPart part = ModelPart.of(name);
        Statement stated = all.get(part);
        if (stated == null) {
            return;
        }
        unmet.remove(part);
        if (!stated.scheme().equals(found)) {
            throw new CheckpointException(codes.where() + " and those beside it have the numbers of elements of "
                    + found + " (bits/group/scale group), but " + stated.source()
                    + " says " + stated.scheme()
                    + "; leave that out, or get the files that it is about");
        }
    }

    /**
     * Refuses options that no matrix was compared with.
     *
     * @throws CheckpointException naming the first of them
     */
    void requireAllMet() {
        unmet.entrySet().stream().findFirst().ifPresent(first -> {
            ModelPart part = first.getKey();
            Statement stated = first.getValue();
            throw new CheckpointException(stated.source() + " says how HQQ quantized the " + part.label()
                    + " of this model, but no matrix of them is quantized by HQQ; leave it out");
        });
    }
}
