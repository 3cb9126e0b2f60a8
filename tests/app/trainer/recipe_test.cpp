#include "app/trainer/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvatlas::trainer {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Recipe, TheShippedOneIsRead) {
  const Recipe recipe = loadRecipe(KVATLAS_SOURCE_DIR "/resources/training/recipe.json");
  EXPECT_EQ(recipe.model.layers, 8U);
  EXPECT_THAT(recipe.held_out, testing::Contains("persuasion"));
  EXPECT_GT(recipe.totalSteps(), 1000U);
}

TEST(Recipe, StepsAreFoundInTheirStages) {
  const Recipe recipe = parseRecipe(R"({"stages": [{"steps": 10, "name": "a"}, {"steps": 20, "name": "b"}]})", "r");
  EXPECT_EQ(positionOf(recipe, 9).stage, 0U);
  EXPECT_EQ(positionOf(recipe, 10).stage, 1U);
  EXPECT_EQ(positionOf(recipe, 15).step, 5U);
  EXPECT_DOUBLE_EQ(positionOf(recipe, 15).part, 0.25);
  EXPECT_EQ(positionOf(recipe, 30).stage, 2U);
}

TEST(Recipe, MistakesAreNamed) {
  const auto parse = [](const char* text) { return [text] { (void)parseRecipe(text, "r.json"); }; };
  EXPECT_THAT(parse("{"), ThrowsMessage<Error>(HasSubstr("r.json: not JSON")));
  EXPECT_THAT(parse("{}"), ThrowsMessage<Error>(HasSubstr("stages")));
  EXPECT_THAT(parse(R"({"stages": [{"stepps": 3}]})"), ThrowsMessage<Error>(HasSubstr("unknown field \"stepps\"")));
  EXPECT_THAT(parse(R"({"stages": [{"steps": -3}]})"), ThrowsMessage<Error>(HasSubstr("stages[0].steps")));
  EXPECT_THAT(parse(R"({"stages": [{"steps": "ten"}]})"), ThrowsMessage<Error>(HasSubstr("stages[0].steps")));
  EXPECT_THAT(parse(R"({"stages": [{}], "model": {"kv_heads": 3}})"), ThrowsMessage<Error>(HasSubstr("kv_heads")));
  EXPECT_THAT(parse(R"({"stages": [{"sequence": 9999}]})"), ThrowsMessage<Error>(HasSubstr("positions")));
  EXPECT_THAT(parse(R"({"stages": [{"repeats": 0.7, "text": 0.7}]})"), ThrowsMessage<Error>(HasSubstr("shares")));
  EXPECT_THAT(parse(R"({"stages": [{}], "lesson": {"previous_layers": [8]}})"),
              ThrowsMessage<Error>(HasSubstr("no layer 8")));
}

}  // namespace
}  // namespace kvatlas::trainer
