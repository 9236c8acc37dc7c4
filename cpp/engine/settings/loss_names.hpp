// Losses of the kernel table by name, and their parameters by name.
#pragma once

#include <string>
#include <vector>

#include "engine/settings/choices.hpp"
#include "engine/settings/settings.hpp"
#include "kernels/contract/modes.hpp"

namespace rankgrad {

/// The losses of a family of the kernel table.
template <class Family> std::vector<const char*> loss_names(const Family& family) {
    std::vector<const char*> names;
    for (int k = 0; k < family.count; ++k) names.push_back(family.losses[k].name);
    return names;
}
/// The place of one of them; throws ArgumentError, naming all, if there is none of the name.
template <class Family> int find_loss(const Family& family, const std::string& name) {
    for (int k = 0; k < family.count; ++k)
        if (name == family.losses[k].name) return k;
    const std::vector<const char*> names = loss_names(family);
    return place_in("loss", name, names.data(), names.size());
}

/// Takes the numbers of a loss's parameters, in its order; throws ArgumentError for a name that is none of them.
void take_parameters(Settings& loss, const Parameter* parameters, double* numbers);
template <class Family> void take_parameters(Settings& loss, const Family& family, double* numbers) {
    take_parameters(loss, family.losses[find_loss(family, loss.name())].parameters, numbers);
}

}  // namespace rankgrad
