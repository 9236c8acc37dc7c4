// Constructors that survive running out of memory at any point, and objects that none of them made.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <utility>

namespace rankgrad {

/// An object made by __new__ alone has nothing inside. When such a one is an argument, its own too, pybind11 would take
/// memory for it and hand that over as it is; here it asks for the memory in vain.
template <class T> void refuse_unmade() {
    pybind11::detail::get_type_info(typeid(T))->operator_new = [](std::size_t) -> void* {
        throw pybind11::type_error(pybind11::detail::clean_type_id(typeid(T).name()) + ": __init__ was not called");
    };
}

/// Binds `make`, which gives std::unique_ptr<T>, as the constructor of a type that pybind11 holds by a pointer of any
/// kind. py::init would hand the object over before it
/// notes it in pybind11's table of instances; if there is no memory for that note, the object is deleted twice. Here
/// the note comes first, and after it nothing can fail.
template <class T, class... Holder, class Result, class... Arguments, class Make, class... Extra>
void def_constructor_of(pybind11::class_<T, Holder...>& type, Result (*)(Arguments...), Make make,
                        const Extra&... extra) {
    namespace detail = pybind11::detail;
    refuse_unmade<T>();
    // What Python would do for the first two protocols of pickle makes an object without a constructor's help.
    type.def("__reduce__", [](const pybind11::object& self) -> pybind11::object {
        throw pybind11::type_error("objects of rankgrad._core." +
                                   pybind11::type::of(self).attr("__name__").cast<std::string>() +
                                   " cannot be pickled; pickle the objective or the loss that holds it");
    });
    type.def(
        "__init__",
        [make](detail::value_and_holder& self, Arguments... arguments) {
            typename pybind11::class_<T, Holder...>::holder_type object = make(std::forward<Arguments>(arguments)...);
            detail::register_instance(self.inst, object.get(), self.type);
            self.set_instance_registered();
            self.value_ptr() = object.get();
            self.type->init_instance(self.inst, &object);
        },
        detail::is_new_style_constructor(), extra...);
}
template <class T, class... Holder, class Make, class... Extra>
void def_constructor(pybind11::class_<T, Holder...>& type, Make make, const Extra&... extra) {
    using Signature = pybind11::detail::function_signature_t<Make>;
    def_constructor_of(type, static_cast<Signature*>(nullptr), make, extra...);
}

}  // namespace rankgrad
