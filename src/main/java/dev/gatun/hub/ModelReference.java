package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model of a hub, in one of its states.
 *
 * @param owner who published it
 * @param name its name there
 * @param revision a branch, a tag, or a commit of 40 digits
 */
public record ModelReference(String owner, String name, String revision) {
    /** The branch that is meant when none is named. */
    public static final String MAIN = "main";

    private static final String PART = "(?![^/@]*(?:--|\\.\\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?";
    private static final Pattern SPELLING = Pattern.compile("(" + PART + ")/(" + PART + ")(?:@(.+))?");

    /**
     * Checks the parts.
     *
     * @throws HubException if one could not be a hub's
     */
    public ModelReference {
        requirePart(owner);
        requirePart(name);
        if (SafePath.of(revision).isEmpty()) {
            throw new HubException("revision: " + Quoted.of(revision) + " cannot be a branch, a tag or a commit");
        }
    }

    private static void requirePart(String part) {
        if (!Pattern.matches(PART, part)) {
            throw new HubException("model: " + Quoted.of(part) + " cannot be a name on a hub");
        }
    }

    /**
     * Reads {@code OWNER/NAME} or {@code OWNER/NAME@REVISION}.
     *
     * @throws HubException if it is spelled otherwise
     */
    public static ModelReference parse(String text) {
        return ifSpelled(text)
                .orElseThrow(() -> new HubException(
                        "model: " + Quoted.of(text) + " is no OWNER/NAME, such as mistralai/Mixtral-8x7B-v0.1"));
    }

    /** What {@link #parse} reads, if the text is spelled so. */
    public static Optional<ModelReference> ifSpelled(String text) {
        Matcher parts = SPELLING.matcher(text);
        if (!parts.matches()) {
            return Optional.empty();
        }
        return Optional.of(Optional.ofNullable(parts.group(3)).orElse(MAIN))
                .filter(revision -> SafePath.of(revision).isPresent())
                .map(revision -> new ModelReference(parts.group(1), parts.group(2), revision));
    }

    /** Owner and name, as in the hub's addresses. */
    public String id() {
        return owner + "/" + name;
    }

    /** As it is spelled on the command line. */
    @Override
    public String toString() {
        return revision.equals(MAIN) ? id() : id() + "@" + revision;
    }
}
