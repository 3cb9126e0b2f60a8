// The page without its data: "@DATA@" stands for the JSON, "@MAPS@" for the script elements of the maps.
#pragma once

namespace kvatlas::page {

extern const char* const kPageTemplate;

}  // namespace kvatlas::page
