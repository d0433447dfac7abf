package dev.gatun.text;

import dev.gatun.input.Quoted;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * One value of a {@code tokenizer.json} and where it stands, so that every complaint can say what and where.
 *
 * @param file the file
 * @param where the path of names to the value; empty for the whole file
 * @param node the value
 */
record JsonSection(Path file, String where, JsonNode node) {
    /** The complaint that the file asks for something Gatun does not do. */
    TextException unsupported(String what) {
        return new TextException(
                "%s: %s, which Gatun's tokenizer does not implement; take the model's tokenizer.json without it"
                        .formatted(Quoted.of(file), Quoted.oneLine(what)));
    }

    /** The complaint that the file is wrong. */
    TextException broken(String what) {
        return new TextException(Quoted.of(file) + ": " + Quoted.oneLine(what) + "; download the file again");
    }

    /** A member that must be there. */
    JsonSection member(String name) {
        JsonSection member = optional(name);
        if (member.node.isMissingNode()) {
            throw broken("`%s` is missing".formatted(member.where));
        }
        return member;
    }

    /** A member that may be absent. */
    JsonSection optional(String name) {
        if (!node.isObject()) {
            throw broken("`%s` should be an object".formatted(where));
        }
        return new JsonSection(file, where.isEmpty() ? name : where + "." + name, node.path(name));
    }

    /** Whether there is nothing here: no member, or null. */
    boolean isAbsent() {
        return node.isMissingNode() || node.isNull();
    }

    List<JsonSection> elements() {
        if (!node.isArray()) {
            throw broken("`%s` should be a list".formatted(where));
        }
        List<JsonSection> elements = new ArrayList<>(node.size());
        for (JsonNode element : node) {
            elements.add(new JsonSection(file, where + "[" + elements.size() + "]", element));
        }
        return elements;
    }

    Collection<String> names() {
        if (!node.isObject()) {
            throw broken("`%s` should be an object".formatted(where));
        }
        return node.propertyNames();
    }

    String string() {
        if (!node.isString()) {
            throw broken("`%s` should be a string".formatted(where));
        }
        return node.stringValue();
    }

    int integer() {
        if (!node.isInt()) {
            throw broken("`%s` should be an integer".formatted(where));
        }
        return node.intValue();
    }

    /** A switch that is off when absent. */
    boolean flag(String name) {
        JsonSection flag = optional(name);
        if (flag.isAbsent()) {
            return false;
        }
        if (!flag.node.isBoolean()) {
            throw broken("`%s` should be true or false".formatted(flag.where));
        }
        return flag.node.booleanValue();
    }

    /** The value of {@code type}. */
    String type() {
        return member("type").string();
    }

    /** Refuses members that are not among those known. */
    void allow(Set<String> known) {
        for (String name : names()) {
            if (!known.contains(name)) {
                throw unsupported("it has `%s`".formatted(optional(name).where));
            }
        }
    }

    /** Refuses members that would change what text becomes, unless they are null, false, 0 or empty. */
    void refuse(String... names) {
        for (String name : names) {
            JsonSection member = optional(name);
            boolean off = member.isAbsent()
                    || (member.node.isBoolean() && !member.node.booleanValue())
                    || (member.node.isNumber() && member.node.doubleValue(1) == 0)
                    || (member.node.isString() && member.node.stringValue().isEmpty());
            if (!off) {
                throw unsupported("it sets `%s`".formatted(member.where));
            }
        }
    }
}
