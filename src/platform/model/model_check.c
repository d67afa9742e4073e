// SPDX-License-Identifier: Apache-2.0
// The check of a model file against XGBoost's JSON schema (its doc/model.schema), as far as a wrong
// value could harm us or change what the model means.
#include "platform/model/model_check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TREES_MAX 10000
#define DEPTH_MAX 64 /* XGBoost walks a tree by recursion */
#define LEAF (-1)
#define NO_PARENT INT_MAX

// The arrays of a tree that the walk needs.
struct tree {
    const json_t *left;
    const json_t *right;
    const json_t *parents;
    size_t nodes;
};

static bool fail(char error[static MODEL_ERROR_SIZE], const char *what)
{
    snprintf(error, MODEL_ERROR_SIZE, "%s", what);
    return false;
}

// The value at the end of a path of object keys; the path ends with NULL.
static const json_t *find(const json_t *value, const char *const *path)
{
    for (; *path != NULL; path++) {
        value = json_object_get(value, *path);
    }
    return value;
}

#define FIND(value, ...) find((value), (const char *const[]){__VA_ARGS__, NULL})

static bool text_is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

// XGBoost writes whole numbers of parameters as text.
static bool count_is(const json_t *value, size_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", count);
    return text_is(value, text);
}

static bool number_is(const json_t *value, json_int_t number)
{
    return json_is_integer(value) && json_integer_value(value) == number;
}

bool model_version_read(const json_t *value, char version[static MODEL_VERSION_MAX + 1])
{
    size_t length = json_string_length(value);
    if (length == 0 || length > MODEL_VERSION_MAX) {
        return false;
    }
    const char *text = json_string_value(value);
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    memcpy(version, text, length + 1);
    return true;
}

static bool features_are_ours(const json_t *learner)
{
    const json_t *names = json_object_get(learner, "feature_names");
    if (json_array_size(names) != FEATURE_COUNT) {
        return false;
    }
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        if (!text_is(json_array_get(names, feature), feature_name(feature))) {
            return false;
        }
    }
    return count_is(FIND(learner, "learner_model_param", "num_feature"), FEATURE_COUNT);
}

static bool kind_is_ours(const json_t *learner)
{
    const json_t *parameters = json_object_get(learner, "learner_model_param");
    const json_t *targets = json_object_get(parameters, "num_target");
    const char *base = json_string_value(json_object_get(parameters, "base_score"));
    double base_score = base != NULL ? strtod(base, NULL) : 0;
    return text_is(FIND(learner, "objective", "name"), "binary:logistic") &&
           text_is(FIND(learner, "gradient_booster", "name"), "gbtree") &&
           count_is(json_object_get(parameters, "num_class"), 0) &&
           (targets == NULL || count_is(targets, 1)) && base_score > 0 && base_score < 1;
}

// An array of `count` numbers; whole ones between the bounds when `whole`.
static bool numbers_fit(const json_t *array, size_t count, bool whole, json_int_t minimum,
                        json_int_t maximum)
{
    if (json_array_size(array) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *number = json_array_get(array, i);
        json_int_t value = json_integer_value(number);
        if (!json_is_number(number) ||
            (whole && (!json_is_integer(number) || value < minimum || value > maximum))) {
            return false;
        }
    }
    return true;
}

static bool arrays_fit(const json_t *tree, size_t nodes)
{
    json_int_t last = (json_int_t)nodes - 1;
    return numbers_fit(json_object_get(tree, "left_children"), nodes, true, LEAF, last) &&
           numbers_fit(json_object_get(tree, "right_children"), nodes, true, LEAF, last) &&
           numbers_fit(json_object_get(tree, "parents"), nodes, true, 0, NO_PARENT) &&
           numbers_fit(json_object_get(tree, "split_indices"), nodes, true, 0, FEATURE_COUNT - 1) &&
           numbers_fit(json_object_get(tree, "split_type"), nodes, true, 0, 0) &&
           numbers_fit(json_object_get(tree, "default_left"), nodes, true, 0, 1) &&
           numbers_fit(json_object_get(tree, "split_conditions"), nodes, false, 0, 0) &&
           numbers_fit(json_object_get(tree, "base_weights"), nodes, false, 0, 0) &&
           numbers_fit(json_object_get(tree, "loss_changes"), nodes, false, 0, 0) &&
           numbers_fit(json_object_get(tree, "sum_hessian"), nodes, false, 0, 0) &&
           numbers_fit(json_object_get(tree, "categories"), 0, true, 0, 0) &&
           numbers_fit(json_object_get(tree, "categories_nodes"), 0, true, 0, 0) &&
           numbers_fit(json_object_get(tree, "categories_segments"), 0, true, 0, 0) &&
           numbers_fit(json_object_get(tree, "categories_sizes"), 0, true, 0, 0);
}

static json_int_t at(const json_t *array, size_t index)
{
    return json_integer_value(json_array_get(array, index));
}

// Walks down from a node. Each child must name its parent and the root has none, so no node can be
// met twice; the depth is bounded, and with it this recursion.
static bool walk(const struct tree *tree, size_t node, int depth)
{
    json_int_t left = at(tree->left, node);
    json_int_t right = at(tree->right, node);
    if (left == LEAF || right == LEAF) {
        return left == right;
    }
    return depth < DEPTH_MAX && left != right &&
           at(tree->parents, (size_t)left) == (json_int_t)node &&
           at(tree->parents, (size_t)right) == (json_int_t)node &&
           walk(tree, (size_t)left, depth + 1) && walk(tree, (size_t)right, depth + 1);
}

static bool tree_is_sound(const json_t *object)
{
    struct tree tree = {
        .left = json_object_get(object, "left_children"),
        .right = json_object_get(object, "right_children"),
        .parents = json_object_get(object, "parents"),
        .nodes = json_array_size(json_object_get(object, "left_children")),
    };
    const json_t *parameters = json_object_get(object, "tree_param");
    return tree.nodes > 0 && tree.nodes < INT_MAX &&
           count_is(json_object_get(parameters, "num_nodes"), tree.nodes) &&
           count_is(json_object_get(parameters, "num_feature"), FEATURE_COUNT) &&
           count_is(json_object_get(parameters, "num_deleted"), 0) &&
           count_is(json_object_get(parameters, "size_leaf_vector"), 0) &&
           arrays_fit(object, tree.nodes) && at(tree.parents, 0) == NO_PARENT && walk(&tree, 0, 0);
}

static bool trees_are_sound(const json_t *learner, char error[static MODEL_ERROR_SIZE])
{
    const json_t *model = FIND(learner, "gradient_booster", "model");
    const json_t *trees = json_object_get(model, "trees");
    size_t count = json_array_size(trees);
    if (count == 0 || count > TREES_MAX ||
        !count_is(FIND(model, "gbtree_model_param", "num_trees"), count) ||
        !count_is(FIND(model, "gbtree_model_param", "size_leaf_vector"), 0) ||
        !numbers_fit(json_object_get(model, "tree_info"), count, true, 0, 0)) {
        return fail(error, "its number of trees is not right");
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *tree = json_array_get(trees, i);
        if (!number_is(json_object_get(tree, "id"), (json_int_t)i) || !tree_is_sound(tree)) {
            snprintf(error, MODEL_ERROR_SIZE, "its tree %zu is broken", i);
            return false;
        }
    }
    return true;
}

bool model_check(const json_t *model, char version[static MODEL_VERSION_MAX + 1],
                 char error[static MODEL_ERROR_SIZE])
{
    const json_t *learner = json_object_get(model, "learner");
    if (!json_is_object(learner) ||
        !numbers_fit(json_object_get(model, "version"), 3, true, 0, INT_MAX)) {
        return fail(error, "it is not a model of XGBoost");
    }
    if (!kind_is_ours(learner)) {
        return fail(error, "it is not a model of trees with the objective binary:logistic");
    }
    if (!features_are_ours(learner)) {
        return fail(error, "its features are not ours");
    }
    if (!model_version_read(FIND(learner, "attributes", "model_version"), version)) {
        return fail(error, "its attribute model_version is missing or no visible ASCII text");
    }
    return trees_are_sound(learner, error);
}
