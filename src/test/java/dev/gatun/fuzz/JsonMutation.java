package dev.gatun.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Damage to the tree of a JSON file: values of other types, names twice or renamed, too deep, too many, gone. */
public final class JsonMutation implements Mutation {
    /** Stands in the tree for a text that no tree can hold. */
    private static final String HOLE = "@hole@";

    /** Stands for a name likewise. */
    private static final String NAME = "@name@";

    private static final List<String> NAMES = List.of(
            "", "__proto__", "a\\u0000b", "\\ud800", "x\\ny\\u2028", "..", "`", "\\u202e", "type", "n".repeat(5_000));

    /** A value's place in the tree. */
    private record Place(JsonNode parent, String name, int index) {
        JsonNode value() {
            return parent instanceof ObjectNode ? parent.get(name) : parent.get(index);
        }

        void set(JsonNode value) {
            switch (parent) {
                case ObjectNode object -> object.set(name, value);
                case ArrayNode array -> array.set(index, value);
                default -> throw new IllegalStateException("no container: " + parent);
            }
        }

        void remove() {
            switch (parent) {
                case ObjectNode object -> object.remove(name);
                case ArrayNode array -> array.remove(index);
                default -> throw new IllegalStateException("no container: " + parent);
            }
        }
    }

    @Override
    public byte[] apply(byte[] bytes, SplittableRandom random) {
        try {
            return damaged(JsonMapper.shared().readTree(bytes), random).getBytes(StandardCharsets.UTF_8);
        } catch (JacksonException noTree) {
            // It was damaged before, or has become too deep to be written.
            return bytes;
        }
    }

    private static String damaged(JsonNode root, SplittableRandom random) {
        List<Place> places = new ArrayList<>();
        collect(root, places);
        HostileValues hostile = new HostileValues(random);
        if (places.isEmpty() || random.nextInt(50) == 0) {
            return hostile.value();
        }
        Place place = places.get(random.nextInt(places.size()));
        String raw = change(place, places, hostile, random);
        return root.toString().replace("\"" + HOLE + "\"", raw).replace(NAME, raw);
    }

    private static void collect(JsonNode node, List<Place> places) {
        switch (node) {
            case ObjectNode object -> object.propertyNames().forEach(name -> places.add(new Place(object, name, -1)));
            case ArrayNode array -> {
                for (int index = 0; index < array.size(); index++) {
                    places.add(new Place(array, "", index));
                }
            }
            default -> {
                return;
            }
        }
        for (JsonNode child : node) {
            collect(child, places);
        }
    }

    /** Changes the tree; returns what is to stand where the hole is. */
    private static String change(Place place, List<Place> places, HostileValues hostile, SplittableRandom random) {
        JsonNode value = place.value();
        switch (random.nextInt(9)) {
            case 0 -> place.remove();
            case 1 ->
                place.set(places.get(random.nextInt(places.size())).value().deepCopy());
            case 2 -> {
                return twice(place, hostile);
            }
            case 3 -> {
                return renamed(place, places, random);
            }
            case 4 -> {
                place.set(JsonMapper.shared().getNodeFactory().stringNode(HOLE));
                return random.nextBoolean() ? "[" + value + "]" : "{\"" + place.name() + "\":" + value + "}";
            }
            case 5 -> {
                place.set(JsonMapper.shared().getNodeFactory().stringNode(HOLE));
                return value.isNumber() ? near(value, random) : hostile.value();
            }
            default -> {
                place.set(JsonMapper.shared().getNodeFactory().stringNode(HOLE));
                return hostile.value();
            }
        }
        return "";
    }

    /** The same name, or the element, again. */
    private static String twice(Place place, HostileValues hostile) {
        JsonNode value = place.value();
        place.set(JsonMapper.shared().getNodeFactory().stringNode(HOLE));
        String name = place.parent() instanceof ObjectNode ? quoted(place.name()) + ":" : "";
        return value + "," + name + (name.length() % 2 == 0 ? value : hostile.value());
    }

    private static String quoted(String name) {
        return JsonMapper.shared().getNodeFactory().stringNode(name).toString();
    }

    private static String renamed(Place place, List<Place> places, SplittableRandom random) {
        JsonNode value = place.value();
        if (!(place.parent() instanceof ObjectNode object)) {
            place.remove();
            return "";
        }
        object.remove(place.name());
        String other = places.get(random.nextInt(places.size())).name();
        object.set(random.nextBoolean() ? other : NAME, value);
        return NAMES.get(random.nextInt(NAMES.size()));
    }

    private static String near(JsonNode number, SplittableRandom random) {
        double value = number.doubleValue();
        double changed = switch (random.nextInt(4)) {
            case 0 -> value + 1;
            case 1 -> value - 1;
            case 2 -> value * 2;
            default -> value / 2;
        };
        return changed == Math.rint(changed) && Math.abs(changed) < 1e15
                ? String.valueOf((long) changed)
                : String.valueOf(changed);
    }
}
